"""Readers of spec files: one format a file."""
