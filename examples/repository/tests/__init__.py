"""What suji promises."""
