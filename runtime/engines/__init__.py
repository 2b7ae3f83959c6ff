"""Engines: the ways in which an agent can think. Each is a codec without I/O and declares what it can do."""
