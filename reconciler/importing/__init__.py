"""Declarations for what an account already has."""
