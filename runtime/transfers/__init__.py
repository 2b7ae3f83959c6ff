"""Transfers of a node: what is asked of Twilio, and what Twilio tells of them."""
