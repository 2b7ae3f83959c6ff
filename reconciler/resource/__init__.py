"""What is configured in an account: settings, marks of ownership, as declared and as it is. No I/O."""
