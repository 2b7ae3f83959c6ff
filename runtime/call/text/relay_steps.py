"""What a carrier that hears and speaks by itself tells of a call as it goes, and what it is told.

The carrier writes down what the caller says, while they say it, and speaks the agent's words as they come.
All of it runs over one connection, which is opened, breaks and comes back like any other stream of a call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from runtime.call import events as ev
from runtime.call.actions import BeginTransfer, DropStream, Finished, RunTool
from runtime.call.text.text_events import AskModel, CancelAsk, TextModelEvent


@dataclass(frozen=True, slots=True)
class HoldFiles:
    """The addresses of what the caller hears in a wait: `lead` once, for `lead_seconds`, then `loop`.

    Nothing is heard for the first `delay` seconds before the agent's first word.
    """

    loop: str
    lead: str | None = None
    lead_seconds: float = 0.0
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class RelayTerms:
    """`drafts`: an answer may be begun before the caller has finished. `hold`: None is silence."""

    drafts: bool = True
    hold: HoldFiles | None = None


# --- events of the carrier ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prompted:
    """The caller's words: so far, and with `last` all of them."""

    text: str
    last: bool


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The caller has stopped the agent, of whom they have heard these words in so many ms."""

    heard: str
    heard_ms: int


@dataclass(frozen=True, slots=True)
class AgentSounds:
    """The carrier's voice begins to speak, or has nothing left to say."""

    speaking: bool


@dataclass(frozen=True, slots=True)
class CallerSounds:
    """The caller begins to speak, or has stopped."""

    speaking: bool


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """The carrier could not carry out what was asked for; `for_good`: the same again would fail again."""

    detail: str
    for_good: bool


@dataclass(frozen=True, slots=True)
class Complaint:
    """The carrier did not understand a message of ours."""

    detail: str


CarrierEvent: TypeAlias = (
    ev.StreamStarted
    | ev.BadFrame
    | ev.KeyPressed
    | Prompted
    | Interrupted
    | AgentSounds
    | CallerSounds
    | SessionFailed
    | Complaint
)
RelayEvent: TypeAlias = CarrierEvent | TextModelEvent | ev.Event


# --- what is to be done -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpeakText:
    """Speak the next piece of the agent's words; `last` ends what belongs together."""

    token: str
    last: bool


@dataclass(frozen=True, slots=True)
class SendKeys:
    """Sound keys to the other side: 0-9, *, # and w, half a second's pause."""

    keys: str


@dataclass(frozen=True, slots=True)
class PlayHold:
    """Play a file so many times (0: until words follow); words to be spoken, and the caller's, end it."""

    source: str
    times: int


@dataclass(frozen=True, slots=True)
class SpeakLanguage:
    """Speak and understand this language from now on."""

    language: str


@dataclass(frozen=True, slots=True)
class EndRelay:
    """End the carrier's session, which asks what follows. `goodbye` is spoken then; None hangs up.

    `away`: the caller goes to somebody else, and may be back.
    """

    goodbye: str | None = None
    away: bool = False


ToCarrier: TypeAlias = SpeakText | SendKeys | PlayHold | SpeakLanguage | EndRelay
ConnectionAction: TypeAlias = ToCarrier | DropStream
RelayAction: TypeAlias = ConnectionAction | AskModel | CancelAsk | RunTool | BeginTransfer | Finished
