"""What a caller in gather mode hears and may do next, and what the carrier reports of it.

The carrier asks, is given one *step*, carries it out and asks again. Each step has a number, which the next
request names: so a request that is repeated is known, and so is one that belongs to a later step than the
last one of this node, because another node has gone on with the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from runtime.call import events as ev
from runtime.call.actions import BeginTransfer, Finished, RunTool
from runtime.call.stream_link import LONGEST_AWAY
from runtime.call.text.text_events import AskModel, CallerTurn, CancelAsk, TextModelEvent
from runtime.call.text.text_script import spoken_ms

LONGEST_SPEECH: Final = 60.0  # s that the carrier listens to one utterance
LATE: Final = 30.0  # s beyond what a step can take, after which the carrier is not expected to ask any more
LONGEST_WAIT: Final = 600.0  # s of hold music, at the most
LEAVING: Final = 10.0  # s beyond the last words in which the carrier reports the end


@dataclass(frozen=True, slots=True)
class GatherTerms:
    """How the carrier listens: `timeout` s for the first word, `pause` s of silence for the end of a turn.

    `ssml`: the agent may write SSML. `drafts`: an answer may be begun before the caller has finished.
    `holds`: a caller who has to wait for the agent's first word hears something from the beginning. `before`
    is what the carrier itself says first, in s.
    """

    timeout: float = 6.0
    pause: float = 1.0
    ssml: bool = False
    drafts: bool = True
    holds: bool = False
    before: float = 0.0


@dataclass(frozen=True, slots=True)
class Listen:
    """Hear the caller speak or type, while the words are spoken and after them."""


@dataclass(frozen=True, slots=True)
class TakeDigits:
    """Let the caller type, and nothing else: up to `most` keys, until the finish key or a pause (s)."""

    most: int
    finish_key: str
    pause: float


@dataclass(frozen=True, slots=True)
class PressKeys:
    """Sound keys to the other side (0-9, *, #, A-D, w), and ask again."""

    keys: str


@dataclass(frozen=True, slots=True)
class GoOn:
    """Ask again at once."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Let the caller hear that the line is alive, and ask again after that; `first`: and nothing before."""

    first: bool = False


@dataclass(frozen=True, slots=True)
class HandOn:
    """The caller goes to somebody else; the transfer says how."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


Then: TypeAlias = Listen | TakeDigits | PressKeys | GoOn | Wait | HandOn | HangUp


@dataclass(frozen=True, slots=True)
class Step:
    """Speak the sentences of `say`, then do what follows."""

    number: int
    say: tuple[str, ...]
    then: Then


def longest(step: Step, terms: GatherTerms) -> float:
    """Return after how long (s) the carrier, given this step, is not believed to ask any more."""
    speaking = 2 * sum(map(spoken_ms, step.say)) / 1000
    match step.then:
        case Listen():
            return speaking + terms.timeout + LONGEST_SPEECH + LATE
        case TakeDigits(most, _, pause):
            return speaking + most * pause + LATE
        case Wait(_):
            return LONGEST_WAIT
        case HandOn():
            return LONGEST_AWAY
        case HangUp():
            return speaking + LEAVING
        case _:
            return speaking + LATE


# --- events of the carrier ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """The carrier has carried out the last step and asks for the next; `turn` is what the caller did."""

    turn: CallerTurn | None = None


@dataclass(frozen=True, slots=True)
class Overheard:
    """What the recogniser makes of the caller who is speaking."""

    text: str


@dataclass(frozen=True, slots=True)
class CameBack:
    """The carrier asks out of turn: after somebody else, or because a step could not be carried out."""


GatherEvent: TypeAlias = (
    Asked
    | Overheard
    | CameBack
    | TextModelEvent
    | ev.ToolRequested
    | ev.ToolReported
    | ev.ToolAnswered
    | ev.Prepared
    | ev.OutsideEvent
)


# --- what is to be done -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GiveStep:
    """Give the carrier, which has asked, this step."""

    step: Step


@dataclass(frozen=True, slots=True)
class FetchCaller:
    """Let the carrier ask now: what the caller waits for is there."""


StepAction: TypeAlias = GiveStep | FetchCaller
GatherAction: TypeAlias = StepAction | AskModel | CancelAsk | RunTool | BeginTransfer | Finished
