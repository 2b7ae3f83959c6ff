"""What has been said in a conversation that is sent along with each request, whatever the API's form of it.

A text model remembers nothing: all that was said comes with the question. So which reply of a rule is
given the second time is read from the thread as well, and the same thread is always answered alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sandbox.model.script import Heard, Performance, Reply, Script, heard_text

Role = Literal["user", "assistant", "system", "developer"]


@dataclass(frozen=True, slots=True)
class Told:
    """Words of one side, or an instruction."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """A function that the model has called; `arguments` are JSON."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What a function has answered."""

    call_id: str
    output: str


Entry = Told | Called | Answered
Thread = tuple[Entry, ...]


def choose(script: Script, thread: Thread) -> Reply:
    """Return what the script says to the end of a thread.

    An instruction at the end that contains an agent's line word for word is followed.
    """
    performance = Performance(script)
    heard = _turns(thread)
    for earlier in heard[:-1]:
        performance.reply(earlier)
    last = thread[-1] if thread else None
    ordered = last.text if isinstance(last, Told) and last.role in {"system", "developer"} else ""
    return performance.reply(heard[-1] if heard else None, ordered)


def unanswered(thread: Thread) -> tuple[str, ...]:
    """Return the ids of the calls without a result."""
    results = {entry.call_id for entry in thread if isinstance(entry, Answered)}
    return tuple(e.call_id for e in thread if isinstance(e, Called) and e.call_id not in results)


def uncalled(thread: Thread) -> tuple[str, ...]:
    """Return the ids of the results that no call before them asked for."""
    called: set[str] = set()
    missing = []
    for entry in thread:
        if isinstance(entry, Called):
            called.add(entry.call_id)
        elif isinstance(entry, Answered) and entry.call_id not in called:
            missing.append(entry.call_id)
    return tuple(missing)


def characters(thread: Iterable[Entry]) -> int:
    """Return how much there is to read."""
    return sum(len(_text_of(entry)) for entry in thread)


def _turns(thread: Thread) -> list[Heard]:
    """Return the newest input of each run of inputs between what the model said."""
    names = {entry.call_id: entry.name for entry in thread if isinstance(entry, Called)}
    turns: list[Heard] = []
    goes_on = False
    for entry in thread:
        heard = _heard(entry, names)
        if heard is not None:
            turns[-1 if goes_on else len(turns) :] = [heard]
        if not isinstance(entry, Told) or entry.role in {"user", "assistant"}:
            goes_on = heard is not None
    return turns


def _heard(entry: Entry, names: dict[str, str]) -> Heard | None:
    match entry:
        case Told("user", text):
            return heard_text(text)
        case Answered(call_id, output):
            return Heard(text=output, tool=names.get(call_id))
        case _:
            return None


def _text_of(entry: Entry) -> str:
    match entry:
        case Told(_, text):
            return text
        case Called(_, name, arguments):
            return name + arguments
        case Answered(_, output):
            return output
