"""Several processes that answer the calls of one `tm serve`, each a node of its own.

    parent  listens nowhere; starts a worker for each seat and starts again those that end
    worker  listens on the shared port, where webhooks come in, and on its own, where the calls' sockets go

Each worker has a line to the parent, its stdin: the worker says there when it is ready, the parent how firmly
to stop. The end of the line is the parent's end.
"""
