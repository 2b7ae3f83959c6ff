"""Making the account what a plan says: written, read back, journalled, locked, and taken back."""
