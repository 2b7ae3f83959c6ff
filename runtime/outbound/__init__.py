"""Calls that `tm` places: what is ordered and known of them (`orders`), whom a campaign calls and when."""
