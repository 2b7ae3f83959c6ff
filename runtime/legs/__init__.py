"""Legs: the ways in which somebody can be connected. Each is a codec without I/O."""
