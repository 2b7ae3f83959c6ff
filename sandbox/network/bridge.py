"""Where a dialling call and the one that it dialled meet."""

from __future__ import annotations

import asyncio

from sandbox.network.events import Kind
from sandbox.network.live_line import LiveLine
from sandbox.network.mixing import Room, Seat
from sandbox.network.phone_call import PhoneCall


class Bridge:
    """Connects two calls from the moment that the called one comes until either goes.

    `met` is set when somebody has come, `called` says who; `over` ends it for both, and so does the dialling
    call's key `hangs_up_on`. Each side hears the other's keys. The dialling call has its seat from the
    beginning: what is said before it listens waits for it, up to a second.
    """

    def __init__(self, dialling: PhoneCall, *, hangs_up_on: str = "") -> None:
        self.dialling = dialling
        self.called: PhoneCall | None = None
        self.met = asyncio.Event()
        self.over = asyncio.Event()
        self._hangs_up_on = hangs_up_on
        self._room = Room()
        self.dialling_seat = Seat(dialling.line, self._dialling_pressed)
        self._room.enter(self.dialling_seat)

    async def come(self, phone: PhoneCall, line: LiveLine) -> None:
        """Meet the dialling call and stay; whoever comes second finds the place taken and goes."""
        if self.called is not None or self.over.is_set():
            return
        self.called = phone
        self.met.set()
        seat = Seat(phone.line, lambda key: self.dialling.note(Kind.HEARS_KEYS, key))
        self._room.enter(seat)
        await self.stay(seat, line)

    async def stay(self, seat: Seat, line: LiveLine) -> None:
        """Hear and be heard until it is over; whoever leaves ends it."""
        try:
            with line.attached(seat):
                await self.over.wait()
        finally:
            self._room.leave(seat)
            self.over.set()

    def _dialling_pressed(self, key: str) -> None:
        if self.called is not None:
            self.called.note(Kind.HEARS_KEYS, key)
        if key == self._hangs_up_on:
            self.over.set()
