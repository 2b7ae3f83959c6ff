"""A telephone network and a model in virtual time, around one call machine.

`Carrier` plays what it is sent as Twilio does: in order, without a pause, marks coming back when everything
before them has been played, a clear throwing the rest away and returning all marks. `World` carries messages
between it and the machine with the delays that it is told, wakes the machine when it wants to be woken, and
records all.
"""

from __future__ import annotations

import heapq
import random
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from runtime.call import events as ev
from runtime.call.actions import Action, ClearPlayback, Finished, PlayAudio, PlayMark
from runtime.call.machine import CallMachine
from runtime.call.plan import CallPlan

STREAM = "MZ0000"
BYTES_PER_SECOND = 8000


def payload(audio: bytes) -> str:
    """Return audio as it stands in a message."""
    return b64encode(audio).decode()


def spoken(actions: Sequence[Action]) -> bytes:
    """Return the audio that these actions play."""
    return b"".join(b64decode(action.payload) for action in actions if isinstance(action, PlayAudio))


def tally(audio: bytes) -> Counter[int]:
    """Return how often each byte is in audio; at every clear, of minutes of it."""
    return Counter(dict(enumerate(np.bincount(np.frombuffer(audio, np.uint8)).tolist())))


@dataclass(frozen=True)
class Network:
    """Delays in seconds: to the carrier, back from it, how much each varies, and the carrier's own start."""

    down: float = 0.02
    up: float = 0.02
    down_jitter: float = 0.0
    mark_jitter: float = 0.0
    lost_marks: float = 0.0
    start: float = 0.0


@dataclass
class Carrier:
    """The playout buffer at the caller's side."""

    start_delay: float = 0.0
    ends_at: float = 0.0
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    marks: list[tuple[float, str]] = field(default_factory=list)

    def play(self, audio: bytes, now: float) -> None:
        begins = self.ends_at if self.ends_at > now else now + self.start_delay
        self.pieces.append((begins, audio))
        self.ends_at = begins + len(audio) / BYTES_PER_SECOND

    def mark(self, name: str, now: float) -> float:
        """Return when the mark comes back, unless it is cleared before."""
        due = max(self.ends_at, now)
        self.marks.append((due, name))
        return due

    def clear(self, now: float) -> list[str]:
        """Return the marks that come back at once."""
        self.pieces = [(at, self._played(at, audio, now)) for at, audio in self.pieces if at < now]
        self.ends_at = min(self.ends_at, now)
        pending = [name for due, name in self.marks if due > now]
        self.marks = []
        return pending

    def heard(self, now: float) -> bytes:
        """Return all that the caller has heard."""
        return b"".join(self._played(at, audio, now) for at, audio in self.pieces)

    @staticmethod
    def _played(at: float, audio: bytes, now: float) -> bytes:
        return audio[: max(0, int((now - at) * BYTES_PER_SECOND))]


class World:
    """One call in virtual time: `done` holds every action with its moment."""

    def __init__(
        self,
        plan: CallPlan | None = None,
        network: Network | None = None,
        seed: int = 0,
        *,
        now: float = 100.0,
    ) -> None:
        self.now = now
        self.network = network or Network()
        self.machine = CallMachine(plan or CallPlan(), now=now)
        self.carrier = Carrier(self.network.start)
        self.done: list[tuple[float, Action]] = []
        self.heard_at_clear: list[Counter[int]] = []  # how often each byte had been heard, for every clear
        self._random = random.Random(seed)
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._order = 0
        self._down_at = self._up_at = now

    # --- driving

    def at(self, moment: float, do: Callable[[], object]) -> None:
        """Do something at a moment; what was planned first happens first."""
        self._order += 1
        heapq.heappush(self._queue, (moment, self._order, do))

    def feed(self, *events: ev.Event) -> list[Action]:
        """Hand events to the machine now and return what it did about them."""
        actions: list[Action] = []
        for event in events:
            actions += self._act(self.machine.handle(event, self.now))
        return actions

    def run(self, seconds: float) -> list[Action]:
        """Let time pass and return what the machine did meanwhile."""
        end = self.now + seconds
        first = len(self.done)
        while True:
            planned = self._queue[0][0] if self._queue else end
            wake = self.machine.wake_at()
            moment = min(planned, end if wake is None else wake)
            if moment >= end:
                break
            self.now = max(self.now, moment)
            if self._queue and self._queue[0][0] <= moment:
                heapq.heappop(self._queue)[2]()
            else:
                self._act(self.machine.wake(self.now))
        self.now = end
        return [action for _, action in self.done[first:]]

    def answer(self) -> list[Action]:
        """Bring up the model and the stream."""
        return self.feed(ev.ModelConnected(), ev.ModelConfigured(True), ev.StreamStarted(STREAM, "CA1"))

    def say(
        self, item: str, audio: bytes, text: str = "", *, response: str = "r1", end: bool = True
    ) -> list[Action]:
        """Let the model say something, all at once."""
        actions = self.feed(
            ev.ResponseStarted(response),
            ev.ModelWordsDone(item, text),
            ev.ModelAudio(response, item, payload(audio)),
        )
        if end:
            actions += self.feed(ev.ModelAudioDone(item), ev.ResponseEnded(response, "completed"))
        return actions

    # --- seeing

    def actions(self, kind: type[Action]) -> list[Action]:
        """Return everything of a kind that the machine has done."""
        return [action for _, action in self.done if isinstance(action, kind)]

    @property
    def ended(self) -> bool:
        return bool(self.actions(Finished))

    # --- the wires

    def _act(self, actions: Sequence[Action]) -> list[Action]:
        for action in actions:
            self.done.append((self.now, action))
            self.carry_out(action)
        return list(actions)

    def carry_out(self, action: Action) -> None:
        """Do what the machine wants done."""
        if isinstance(action, PlayAudio | PlayMark | ClearPlayback):
            self._send_down(action)

    def _send_down(self, action: PlayAudio | PlayMark | ClearPlayback) -> None:
        network = self.network
        delay = network.down + self._random.uniform(0, network.down_jitter)
        self._down_at = max(self._down_at, self.now + delay)
        self.at(self._down_at, lambda: self._arrive(action))

    def _arrive(self, action: PlayAudio | PlayMark | ClearPlayback) -> None:
        if isinstance(action, PlayAudio):
            self.carrier.play(b64decode(action.payload), self.now)
        elif isinstance(action, PlayMark):
            due = self.carrier.mark(action.name, self.now)
            self.at(due, lambda: self._mark_played(due, action.name))
        else:
            self.heard_at_clear.append(tally(self.carrier.heard(self.now)))
            for name in self.carrier.clear(self.now):
                self._send_up(name)

    def _mark_played(self, due: float, name: str) -> None:
        if (due, name) in self.carrier.marks:
            self.carrier.marks.remove((due, name))
            self._send_up(name)

    def _send_up(self, name: str) -> None:
        network = self.network
        if self._random.random() < network.lost_marks:
            return
        delay = network.up + self._random.uniform(0, network.mark_jitter)
        self._up_at = max(self._up_at, self.now + delay)
        self.at(self._up_at, lambda: self._return(name))

    def _return(self, name: str) -> None:
        self.feed(ev.MarkPlayed(name))
