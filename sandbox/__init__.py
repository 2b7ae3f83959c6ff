"""A Twilio account, a phone network and a Realtime model server on this machine."""
