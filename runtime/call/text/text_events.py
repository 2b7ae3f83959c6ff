"""A conversation in text: what happens to it, and what it wants of the model.

The leg writes down what the caller says and speaks what the agent writes. Everything of the model belongs to
one *ask*, by its `ask_id`; tools, transfers and the outside world are events and actions of every call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from runtime.call.usage import Usage

# --- what the model is told ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """Something that was said, or, in the role of the system, happened."""

    role: Literal["caller", "agent", "system"]
    text: str


@dataclass(frozen=True, slots=True)
class Used:
    """A tool that the model asked for, with its answer: `arguments` is the JSON text that it gave."""

    call_id: str
    name: str
    arguments: str
    output: str


@dataclass(frozen=True, slots=True)
class File:
    """A picture or a document: `data` is a data URL."""

    name: str
    content_type: str
    data: str = field(repr=False)

    @property
    def is_image(self) -> bool:
        """Whether it is a picture."""
        return self.content_type.startswith("image/")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the caller has written, with the files that came with it."""

    text: str
    files: tuple[File, ...]


ContextItem: TypeAlias = Told | Used | Shown


@dataclass(frozen=True, slots=True)
class AskModel:
    """Ask for the agent's next words. `acts`: it may use its tools."""

    ask_id: str
    context: tuple[ContextItem, ...]
    guidance: str | None = None
    acts: bool = True


@dataclass(frozen=True, slots=True)
class CancelAsk:
    """Ask no further: whatever still comes of it is thrown away."""

    ask_id: str


# --- what the model says ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the agent's words."""

    ask_id: str
    delta: str


@dataclass(frozen=True, slots=True)
class TextEnded:
    """The model has nothing to add; with a `complete` of False it ran into a limit."""

    ask_id: str
    complete: bool = True
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class AskFailed:
    """There is no answer, or no more of it. `may_pass`: asking again may help."""

    ask_id: str
    detail: str
    may_pass: bool = True


# --- what the caller does -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallerSaid:
    """The caller's words. `confidence` is 0 to 1, None where the recogniser does not say."""

    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class CallerTyped:
    """Keys that the caller pressed; `finish_key` ended them and is none of them."""

    keys: str
    finish_key: str | None = None


@dataclass(frozen=True, slots=True)
class CallerSilent:
    """The caller could have spoken, and has not."""


CallerTurn: TypeAlias = CallerSaid | CallerTyped | CallerSilent
TextModelEvent: TypeAlias = TextDelta | TextEnded | AskFailed
