"""The HTTP and WebSocket routes: each reads its request, asks the node, and writes the answer."""
