"""Alembic migrations of the call store, applied when the store is opened for writing."""
