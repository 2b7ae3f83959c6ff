"""Gather mode around its machine: webhooks in, TwiML out."""
