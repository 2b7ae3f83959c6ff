"""What is settled about a call before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from runtime.call.actions import Respond
from runtime.call.hearing.interruption import AT_ONCE, InterruptTerms
from runtime.call.playback.hold_sound import HoldSound
from runtime.call.tools.built_in import HANG_UP_ONLY
from runtime.call.tools.toolset import Toolset
from runtime.call_record import TranscriptEntry

PrepTerms: TypeAlias = Literal["none", "wanted", "required"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """How an engine differs from others; the machine asks these, never which vendor it talks to."""

    cancels_on_speech: bool = True
    """The model itself stops generating when it hears the caller; otherwise it has to be told."""
    answers_on_pause: bool = True
    """The model itself begins to answer when the caller pauses; otherwise it has to be asked."""
    owes_answers: bool = True
    """A caller who has paused is answered, or the model is gone; otherwise it decides whether to speak."""
    truncates: bool = True
    """What the caller has not heard is cut out of the model's memory as well; otherwise it keeps it."""
    recalls_at_start: bool = False
    """What was said before a session is told with its configuration, and only little of it later."""
    words_run_ahead: bool = True
    """The words of an utterance are told before their sound has come; otherwise along with it."""
    sounds_always: bool = False
    """The model sends sound all the time, silence included: one that sends nothing is gone."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """The agent's terms for one call, filled from its declaration by the shell.

    `greeting` is spoken word for word as the agent's first words; None lets the model open in its own.
    `fallback_message` is spoken by the carrier when the model cannot be had, and at the time limit; None
    hangs up without a word. `answered_at` is the monotonic moment (s) of the answer, from which `at_ms` and
    `max_call_seconds` count; None takes the stream's start for it. `stream_timeout` and `model_timeout`
    (s) count from the webhook; a hold text that is spoken before the stream belongs on top of the first. The
    second is also how long a model that was lost may be missed.

    `history` is what was said in this call before, as heard: every session of the model is told. `opening`
    is what to say first when it is not the greeting; `returns` counts how often the caller has come back.
    `jitter` (0 to 1) is the part of each pause before a new attempt to reach the model that this call waits;
    one number drawn for each call keeps calls apart. `epoch_at_zero` (epoch s) is what the wall clock shows
    when the call's monotonic clock shows 0. `hold` is played into the stream until the agent speaks, and
    whenever it is not there; None is silence.

    `interrupt` says what it takes to interrupt the agent; terms beyond "at once" need a model that does not
    act by itself. `pause_ms` is how long the caller has been silent when the model reports it, None when that
    is not known. After `idle_seconds` of silence the agent asks whether the caller is there, and gives up in
    the end.

    `language` is the one that the agent has changed to earlier in this call, None for the declared one.

    With `prep` the model is configured only once `Prepared` has told what is known about the caller; where
    it is required and not all there, the agent does not speak.
    """

    greeting: str | None = None
    fallback_message: str | None = None
    max_call_seconds: float = 600.0
    answered_at: float | None = None
    stream_timeout: float = 20.0
    model_timeout: float = 20.0
    history: tuple[TranscriptEntry, ...] = ()
    opening: Respond | None = None
    returns: int = 0
    jitter: float = 1.0
    epoch_at_zero: float = 0.0
    capabilities: Capabilities = Capabilities()
    hold: HoldSound | None = None
    tools: Toolset = HANG_UP_ONLY
    prep: PrepTerms = "none"
    interrupt: InterruptTerms = AT_ONCE
    pause_ms: int | None = 500
    idle_seconds: float | None = None
    language: str | None = None

    @property
    def agent_has_spoken(self) -> bool:
        """Whether the caller has heard the agent before."""
        return any(entry.role == "agent" for entry in self.history)
