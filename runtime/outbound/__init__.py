"""Calls that `tm` places: what is ordered and known of them (`orders`), whom a campaign calls and when.

`dial_desk` has the calls of a node, from the order to the last report; `placing` asks Twilio for them.
"""
