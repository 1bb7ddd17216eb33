"""Days of the Japanese eras."""
