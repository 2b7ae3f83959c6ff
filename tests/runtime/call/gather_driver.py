"""A carrier in gather mode and a text model, played against the machine of a call in virtual time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from runtime.call import events as ev
from runtime.call.actions import BeginTransfer, Finished, RunTool
from runtime.call.plan import CallPlan
from runtime.call.text import gather_steps as gs
from runtime.call.text.gather_call import GatherCall
from runtime.call.text.text_events import (
    AskFailed,
    AskModel,
    CallerSaid,
    CallerTurn,
    CancelAsk,
    TextDelta,
    TextEnded,
)
from runtime.call.tools.built_in import HANG_UP_FUNCTION, OPTIONAL, transfer_function
from runtime.call.tools.toolset import Function, Toolset
from runtime.call.usage import Usage

GREETING = "Good evening, this is the Harbour Bistro."
FALLBACK = "Please call again later."
LOOK_UP = Function("look_up", "Looks up.", {"type": "object", "properties": {}}, filler="One moment.")
TOOLS = Toolset.of(HANG_UP_FUNCTION, LOOK_UP, *OPTIONAL.values(), transfer_function([(None, "a person")]))


class Carrier:
    """One call. `steps` are what the carrier was given, `asks` what the model was asked, both in order."""

    def __init__(self, *, terms: gs.GatherTerms | None = None, number: int = 0, **plan: Any) -> None:
        self.now = 0.0
        settings = {"greeting": GREETING, "fallback_message": FALLBACK, "tools": TOOLS, **plan}
        self.machine = GatherCall(
            CallPlan(**{"answered_at": 0.0, **settings}), terms or gs.GatherTerms(), now=0.0, number=number
        )
        self.steps: list[gs.Step] = []
        self.asks: list[AskModel] = []
        self.cancelled: list[str] = []
        self.tools: list[RunTool] = []
        self.transfers: list[BeginTransfer] = []
        self.fetched = 0
        self.finished = False
        self._take(self.machine.begin())

    # --- what happens

    def ask(self, turn: CallerTurn | None = None, after: float = 0.0) -> gs.Step | None:
        """Ask for the next step, and return it if it is there at once."""
        self.wait(after)
        given = len(self.steps)
        self.feed(gs.Asked(turn))
        return self.steps[-1] if len(self.steps) > given else None

    def say(self, words: str, confidence: float | None = 0.9, after: float = 8.0) -> gs.Step | None:
        """Ask for what follows the caller's words."""
        return self.ask(CallerSaid(words, confidence), after)

    def overhear(self, words: str, after: float = 0.0) -> None:
        """Tell what was understood so far."""
        self.wait(after)
        self.feed(gs.Overheard(words))

    def write(self, *pieces: str, to: int = -1) -> None:
        """Let the model write, without ending."""
        for piece in pieces:
            self.feed(TextDelta(self.asks[to].ask_id, piece))

    def use(self, name: str, arguments: str = "{}", call_id: str = "call_1") -> None:
        """Let the model ask for a tool."""
        self.feed(ev.ToolRequested(self.asks[-1].ask_id, call_id, name, arguments))

    def end(self, *pieces: str, usage: Usage | None = None, to: int = -1) -> gs.Step | None:
        """Let the model write and end, and return the step that this leads to."""
        given = len(self.steps)
        ask_id = self.asks[to].ask_id
        self.write(*pieces, to=to)
        self.feed(TextEnded(ask_id, usage=usage))
        return self.steps[-1] if len(self.steps) > given else None

    def fail(self, detail: str = "broken off", *, may_pass: bool = True, to: int = -1) -> None:
        """Let the model fail."""
        self.feed(AskFailed(self.asks[to].ask_id, detail, may_pass))

    def wait(self, seconds: float) -> None:
        """Let time pass, and the machine do what is due."""
        until = self.now + seconds
        wakes = 0
        while (due := self.machine.wake_at()) is not None and due <= until and not math.isinf(due):
            wakes += 1
            assert wakes < 1000, "the machine wakes for nothing, again and again"
            self.now = max(self.now, due)
            self._take(self.machine.wake(self.now))
        self.now = until

    def feed(self, event: gs.GatherEvent) -> None:
        """Hand an event in."""
        self._take(self.machine.handle(event, self.now))

    def _take(self, actions: Iterable[gs.GatherAction]) -> None:
        for action in actions:
            assert not self.finished, action
            match action:
                case gs.GiveStep(step):
                    self.steps.append(step)
                case AskModel():
                    self.asks.append(action)
                case CancelAsk(ask_id):
                    self.cancelled.append(ask_id)
                case RunTool():
                    self.tools.append(action)
                case BeginTransfer():
                    self.transfers.append(action)
                case gs.FetchCaller():
                    self.fetched += 1
                case Finished():
                    self.finished = True

    # --- what can be seen

    def is_over(self) -> bool:
        """Whether the call has ended."""
        return self.finished

    @property
    def said(self) -> list[tuple[str, str]]:
        """The transcript as role and text."""
        return [(entry.role, entry.text) for entry in self.machine.transcript]

    @property
    def ending(self) -> tuple[str, str | None]:
        """Status and reason of the record."""
        ending = self.machine.ending
        assert ending is not None
        return ending.status, ending.end_reason or ending.reject_reason
