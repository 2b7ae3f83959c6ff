"""Serving a node: the listening socket, uvicorn, and stopping without cutting calls off."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from collections.abc import Callable, Sequence
from types import FrameType

import uvicorn

from runtime.app import create_app
from runtime.node import Node
from runtime.stream_protocol import StreamProtocol

# Twilio: frames of a stream are far below 1 kB.
LARGEST_FRAME = 64 * 1024
# What a call may last at most beyond its own limit, once the node stops.
DRAIN_MARGIN_SECONDS = 30.0
# How long a node that has ended its streams stays, so that Twilio can ask what to say to those callers.
LAST_WORDS_SECONDS = 2.0


class Stop:
    """How firmly a server has been asked to stop: 0 not at all, 1 when the calls are over, 2 and more now."""

    def __init__(self) -> None:
        self.asked = 0

    def signalled(self) -> None:
        """Take a signal: the first lets live calls finish, a second ends them."""
        self.asked += 1


def event_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop: uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def serve(
    node: Node, listeners: Sequence[socket.socket], stop: Stop, *, on_ready: Callable[[], None]
) -> None:
    """Answer calls until it is to stop, which SIGTERM and SIGINT ask for, among others.

    Raises `DatabaseError` when the node cannot start.
    """
    config = uvicorn.Config(
        create_app(node),
        lifespan="off",  # the node runs around the server, so that its errors come out as they are
        log_config=None,
        access_log=False,
        ws=StreamProtocol,
        ws_max_size=LARGEST_FRAME,
        ws_per_message_deflate=False,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
    )
    # uvicorn's lines name request paths, and with them the streams' one-time tokens.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    async with node.running():
        await DrainingServer(config, node, stop, on_ready).serve(sockets=list(listeners))


class DrainingServer(uvicorn.Server):
    """A server that takes no more calls when it is asked to stop, and stops when the last one is over.

    uvicorn alone would close every live stream at once.
    """

    def __init__(self, config: uvicorn.Config, node: Node, stop: Stop, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._node = node
        self._stop = stop
        self._on_ready = on_ready
        self._deadline: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        # What has been loaded stays: looking through it for garbage would stop every call for 20 ms or more.
        gc.collect()
        gc.freeze()
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Count signals only; `on_tick` acts on them, in the event loop."""
        self._stop.signalled()

    async def on_tick(self, counter: int) -> bool:
        """Look, ten times a second, whether it is time to stop."""
        if self._stop.asked:
            self._node.drain()
            now = self._node.clock()
            self._deadline = self._deadline or now + self._longest_call()
            waiting = self._node.calls.worth_waiting_for(now)
            self.should_exit = not waiting or self._stop.asked > 1 or now > self._deadline
        if self.should_exit and await self._node.calls.end_all():
            await asyncio.sleep(LAST_WORDS_SECONDS)
        return await super().on_tick(counter)

    def _longest_call(self) -> float:
        agents = self._node.fleet.agents.values()
        return max((agent.max_call_seconds for agent in agents), default=0) + DRAIN_MARGIN_SECONDS
