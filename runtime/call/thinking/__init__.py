"""The model in a call: its sessions, one after another, and its turns."""
