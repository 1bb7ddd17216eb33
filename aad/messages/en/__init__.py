"""The English sentences, a section a file."""
