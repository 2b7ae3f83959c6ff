"""The way to Twilio: one guarded transport, the `twilio` library on top, a port for each kind of resource."""
