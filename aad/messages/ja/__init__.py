"""The Japanese sentences, a section a file."""
