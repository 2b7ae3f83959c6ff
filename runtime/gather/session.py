"""A call in gather mode: requests that come and go around a session that goes on between them.

A request hands in what the caller did and waits for the step that the machine gives it, which is a matter of
seconds at the most; meanwhile the model writes, and tools run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from runtime.call.text import gather_steps as gs
from runtime.figures.logs import get_logger
from runtime.text_session import Surroundings, TextSession

if TYPE_CHECKING:
    from runtime.call.text.gather_call import GatherCall
    from runtime.call.text.text_events import CallerTurn

_log = get_logger(__name__)

# Beyond the machine's own patience: a request is answered even if something has gone wrong here.
ANSWER_SECONDS: Final = 12.0


class GatherSession(TextSession[gs.GatherEvent, gs.StepAction]):
    """Runs one call; `fetch` lets the carrier ask for what follows a step."""

    def __init__(
        self, name: str, machine: GatherCall, surroundings: Surroundings, *, fetch: Callable[[gs.Step], None]
    ) -> None:
        self.machine = machine
        self._fetch = fetch
        self._given = asyncio.Event()
        self._ended = asyncio.Event()
        super().__init__(name, machine, surroundings)

    async def run(self) -> None:
        """Live until the call is over; nobody waits for a step of it after that."""
        try:
            await super().run()
        finally:
            self._given.set()
            self._ended.set()

    async def ended(self) -> None:
        """Wait until `run` has ended."""
        await self._ended.wait()

    # --- the carrier

    async def turn(self, number: int, turn: CallerTurn | None) -> gs.Step | None:
        """Return what follows the step of this number; a request that is repeated gets the same answer.

        None when the call is over and there was nothing to be said.
        """
        if number == self.machine.number and not self.machine.asked:
            self._given.clear()
            self.feed(gs.Asked(turn))
        return await self._next_step()

    async def come_back(self) -> gs.Step | None:
        """Return what comes next for a caller whom the carrier sends here out of turn."""
        if not self.machine.asked:
            self._given.clear()
            self.feed(gs.CameBack())
        return await self._next_step()

    def overhear(self, number: int, text: str) -> None:
        """Take what the recogniser makes of the caller so far, after the step of this number."""
        if number == self.machine.number:
            self.feed(gs.Overheard(text))

    async def _next_step(self) -> gs.Step | None:
        if self.machine.asked and not self.finished:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._given.wait()
            except TimeoutError:
                _log.error("no_step_in_time", call=self.name)
                return None
        return self.machine.step

    def _to_carrier(self, action: gs.StepAction) -> None:
        if isinstance(action, gs.FetchCaller):
            assert self.machine.step is not None, "a caller who waits was given a step"
            self._fetch(self.machine.step)
            return
        self._given.set()
        if self._tasks is not None:
            self._here.on_stream()
