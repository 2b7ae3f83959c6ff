"""The demo: everything that `tm` does for one phone call, in one command, on this machine."""
