"""What the caller is played, how far they have heard it, and what sounds while nobody speaks."""
