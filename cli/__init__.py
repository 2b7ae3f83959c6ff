"""The `tm` command."""
