"""Answers, bridges and records the calls of the declared agents."""
