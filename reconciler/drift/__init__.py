"""What somebody changed by hand: found, attributed, accepted into the files."""
