"""Real processes and real sockets: `tm` as a user runs it, against the sandbox on loopback."""
