"""The reconcile loop: check, tell, heal."""
