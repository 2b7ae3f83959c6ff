"""A caller who speaks the sandbox's clips, in a call with one of its models: no sockets, virtual time."""

from __future__ import annotations

from runtime.call import events as ev
from runtime.call.plan import CallPlan
from sandbox.speech import clip
from tests.runtime.call.world import STREAM, World, payload

ONE_WAY = 0.02  # s between us and the model


class ClipTelephone(World):
    """A caller who speaks clips, and between them sends silence."""

    def __init__(self, plan: CallPlan) -> None:
        super().__init__(plan)
        self._voice = b""

    def pick_up(self) -> None:
        self.feed(ev.StreamStarted(STREAM, "CA1"))
        self._speak_on()

    def speak(self, name: str, then: float) -> None:
        """Let the caller say a line, and time pass behind it."""
        line = clip(name).ulaw
        self._voice += line
        self.run(len(line) / 8000 + then)

    def _speak_on(self) -> None:
        frame, self._voice = self._voice[:160], self._voice[160:]
        if not self.ended:
            self.feed(ev.CallerAudio(payload(frame.ljust(160, b"\xff"))))
            self.at(self.now + 0.02, self._speak_on)


def lines(call: World) -> list[tuple[str, str]]:
    """The transcript: who said what."""
    return [(entry.role, entry.text) for entry in call.machine.transcript]


def heard(call: World, name: str) -> bool:
    """Whether the caller has heard a line to the byte."""
    return clip(name).ulaw in call.carrier.heard(call.now)
