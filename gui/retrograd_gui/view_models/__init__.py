"""What a panel shows, without widgets."""
