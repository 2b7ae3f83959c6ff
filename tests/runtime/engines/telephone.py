"""A caller who speaks the sandbox's clips, in a call with one of its models: no sockets, virtual time."""

from __future__ import annotations

from runtime.call import events as ev
from runtime.call.ending import Ending
from runtime.call.plan import CallPlan
from runtime.call_record import TranscriptEntry
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


def book_a_table(call: ClipTelephone) -> None:
    """Let a caller book a table at the bistro, and see that all of it was heard on both sides."""
    call.pick_up()
    call.run(6.0)
    call.speak("caller-book-table", then=6.0)
    call.speak("caller-friday-two", then=8.0)
    call.feed(ev.StreamStopped())
    assert lines(call) == [
        ("agent", clip("agent-greeting-bistro").text),
        ("caller", clip("caller-book-table").text),
        ("agent", clip("agent-ask-day").text),
        ("caller", clip("caller-friday-two").text),
        ("agent", clip("agent-booked").text),
    ]
    assert all(heard(call, name) for name in ("agent-greeting-bistro", "agent-ask-day", "agent-booked"))
    assert call.machine.ending == Ending("completed", end_reason="caller_hangup")
    assert len(call.machine.facts.turns) == 2


def interrupt_the_menu(call: ClipTelephone) -> TranscriptEntry:
    """Let a caller interrupt a long answer, and return what the transcript has of it: what was heard."""
    call.pick_up()
    call.run(6.0)
    call.speak("caller-menu", then=4.0)
    call.speak("caller-friday-two", then=8.0)
    menu = next(entry for entry in call.machine.transcript if entry.interrupted)
    assert clip("agent-menu").text.startswith(menu.text)
    assert 20 < len(menu.text) < len(clip("agent-menu").text) / 2
    assert not heard(call, "agent-menu")
    assert heard(call, "agent-booked")
    return menu
