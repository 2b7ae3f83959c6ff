"""Relay mode around its machine: a socket to ConversationRelay."""
