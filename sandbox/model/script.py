"""What the model says: rules over what it heard, in the place of intelligence.

    Script((
        when("caller-book-table", say("agent-ask-day")),
        when("caller-person", Call("transfer", {"to": "staff"})),
        when("transfer", say("agent-goodbye")),             # the tool's result has come
    ))

Rules are tried in order; of several lines in one turn the last is answered. A rule with several
replies gives them one after another, the last one again and again.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from sandbox.speech import clip, clips
from sandbox.speech.ulaw import BYTES_PER_MS

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Say:
    """Speak: `ulaw` is any 8 kHz µ-law, `text` its transcript; a model that writes has no sound.

    With `stops_after_ms` the response runs into its token limit there, and ends `incomplete`.
    """

    text: str
    ulaw: bytes = field(default=b"", repr=False)
    stops_after_ms: int | None = None

    def up_to_limit(self) -> Say:
        """Return only what is really said: the sound up to the limit, and its share of the words."""
        if self.stops_after_ms is None:
            return self
        sound = self.ulaw[: self.stops_after_ms * BYTES_PER_MS]
        words = self.text.split(" ")
        share = len(sound) / len(self.ulaw) if self.ulaw else 1
        return replace(self, text=" ".join(words[: round(share * len(words))]), ulaw=sound)


@dataclass(frozen=True, slots=True)
class Call:
    """Call a function of the client; the arguments are sent as JSON."""

    name: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fail:
    """End the response as `failed`, with this error."""

    code: str = "server_error"
    message: str = "The server had an error while processing your request."


Output: TypeAlias = Say | Call | Fail
Reply: TypeAlias = tuple[Output, ...]


def say(name: str, *, stops_after_ms: int | None = None) -> Say:
    """Speak a clip, by name."""
    spoken = clip(name)
    return Say(spoken.text, spoken.ulaw, stops_after_ms)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a response answers: recognised clips, text, or the result of a tool."""

    text: str = ""
    clips: tuple[str, ...] = ()
    tool: str | None = None

    def newest_first(self) -> tuple[Heard, ...]:
        """Return it clip by clip, the last one first, and as a whole at the end."""
        apart = (Heard(clip(name).text, (name,)) for name in reversed(self.clips))
        return (*apart, self)


def heard_text(text: str) -> Heard:
    """Return written words as if they had been heard: a line's own words are that line."""
    lines = tuple(line.name for line in clips() if line.speaker == "caller" and _says(text, line.text))
    return Heard(text=text, clips=lines)


@dataclass(frozen=True, slots=True)
class Rule:
    """`on` is a clip's name, a tool's name, or words that are contained in what was said."""

    on: str
    replies: tuple[Reply, ...]

    def matches(self, heard: Heard) -> bool:
        """Tell whether this rule answers that."""
        if self.on in heard.clips or self.on == heard.tool:
            return True
        return _says(heard.text, self.on)


def when(on: str, *replies: Output | Reply) -> Rule:
    """Return a rule; each reply is one output or a tuple of outputs."""
    return Rule(on, tuple(reply if isinstance(reply, tuple) else (reply,) for reply in replies))


BISTRO = (
    when("caller-book-table", say("agent-ask-day")),
    when("caller-menu", say("agent-menu")),
    when("caller-friday-two", say("agent-booked")),
    when("caller-thanks-goodbye", say("agent-goodbye")),
    when("caller-opening-hours", say("agent-hours")),
)


@dataclass(frozen=True, slots=True)
class Script:
    """The rules, what is said when none fits, and the pace.

    `think_ms` passes before the first sound of a response; `speed` is how many times faster than
    real time the audio is made; `transcription_ms` is the range of delays of transcripts.
    `text` answers requests for one text; the first token of any written answer comes after `text_ms`, the
    others `tokens_per_second` (0: all at once).
    """

    rules: tuple[Rule, ...] = BISTRO
    otherwise: Reply = (say("agent-repeat"),)
    greeting: Reply = (say("agent-hello"),)
    idle: Reply = (say("agent-still-there"),)
    think_ms: float = 250
    speed: float = 6
    transcription_ms: tuple[float, float] = (100, 1200)
    text: str = "A guest who has been here before, and likes the window."
    text_ms: float = 0
    tokens_per_second: float = 0


class Performance:
    """A script in one session: knows which rules have already been used."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._used: Counter[int] = Counter()

    def reply(self, heard: Heard | None, instructions: str = "") -> Reply:
        """Choose the reply.

        Instructions that contain an agent's line word for word are followed; with nothing heard yet
        it is the greeting; else the first rule that fits the last thing that was said.
        """
        ordered = line_in(instructions)
        if ordered is not None:
            return (ordered,)
        if heard is None:
            return self.script.greeting
        for said in heard.newest_first():
            for number, rule in enumerate(self.script.rules):
                if rule.matches(said):
                    return self._next_reply(number, rule)
        return self.script.otherwise

    def _next_reply(self, number: int, rule: Rule) -> Reply:
        turn = min(self._used[number], len(rule.replies) - 1)
        self._used[number] += 1
        return rule.replies[turn]


def line_in(instructions: str) -> Say | None:
    """Return the longest agent's line whose words stand in the instructions, or None."""
    found = [line for line in clips() if line.speaker == "agent" and _says(instructions, line.text)]
    if not found:
        return None
    longest = max(found, key=lambda line: len(line.text))
    return Say(longest.text, longest.ulaw)


def _says(text: str, words: str) -> bool:
    return f" {normalised(words)} " in f" {normalised(text)} "


def normalised(text: str) -> str:
    """Return only the words, in lower case: punctuation and spacing do not count."""
    return " ".join(re.findall(r"[\w']+", text.lower()))
