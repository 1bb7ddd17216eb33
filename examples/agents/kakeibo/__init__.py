"""What a household spends, by category."""
