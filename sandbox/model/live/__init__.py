"""GPT-Live: one continuous stream of sound each way, no turns, and tools through a delegated model."""
