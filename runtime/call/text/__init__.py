"""Calls in which the carrier hears and speaks and a text model thinks: gather and relay mode."""
