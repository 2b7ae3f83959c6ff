"""What an agent's tools do outside of the call: HTTP requests, within the bounds that a phone call sets."""
