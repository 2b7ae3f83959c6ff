"""Callers by name and as JSON, for those who drive the sandbox from another process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Literal, TypeVar

import msgspec

from sandbox.network.caller import HangUp, Interrupt, Listen, Press, Say, Step, Wait, Words, words_of
from sandbox.network.phones import LISTENER, Phone, voicemail
from sandbox.network.stream_faults import StreamFaults

SCRIPTS: Mapping[str, tuple[Step, ...]] = {
    "book-a-table": (
        Listen(),
        Say("caller-book-table"),
        Listen(),
        Say("caller-menu"),
        Interrupt("caller-friday-two", after_ms=2500),
        Listen(),
        Say("caller-thanks-goodbye"),
        Listen(),
    ),
    "opening-hours": (
        Listen(),
        Say("caller-opening-hours"),
        Listen(),
        Say("caller-thanks-goodbye"),
        Listen(),
    ),
    "silent": (Listen(), Wait(20_000)),
    "hang-up-at-once": (Wait(500), HangUp()),
}


Made = TypeVar("Made", StreamFaults, "_PhoneTaken")


class ScriptError(Exception):
    """A caller that cannot be understood, in a sentence for people."""


def read_caller(given: object) -> tuple[Step, ...]:
    """Return the steps that `given` names or lists. Raises ScriptError.

    A list holds objects of one key: `{"say": "caller-menu"}`, `{"say": {"words": "Any words.",
    "heard_as": "Any birds.", "confidence": 0.4}}`, `{"listen": {"until_quiet_ms": 600}}`,
    `{"interrupt": {"spoken": "caller-menu", "after_ms": 1000}}`, `{"wait": 500}`, `{"press": "12#"}`,
    `{"hang_up": {}}`.
    """
    if isinstance(given, str):
        if given not in SCRIPTS:
            raise ScriptError(f"no script named {given!r}; there are: {', '.join(SCRIPTS)}")
        return SCRIPTS[given]
    if not isinstance(given, list):
        raise ScriptError("caller is the name of a script or a list of steps")
    return tuple(_step(entry) for entry in given)


def read_faults(given: object) -> StreamFaults:
    """Return the faults of an object whose keys are the fields of `StreamFaults`. Raises ScriptError."""
    return _made(StreamFaults, given, "faults")


def read_phone(given: object) -> Phone:
    """Return the phone of an object: `{"outcome": "answer", "ring_ms": 200, "caller": […], "who": "human"}`.

    `{"voicemail": "agent-hello"}` is one with an answering machine. Raises ScriptError.
    """
    if not isinstance(given, dict):
        raise ScriptError("a phone is an object")
    if "voicemail" in given:
        try:
            return voicemail(str(given["voicemail"]))
        except KeyError as error:
            raise ScriptError(str(error.args[0])) from error
    caller = read_caller(given["caller"]) if "caller" in given else LISTENER
    taken = _made(_PhoneTaken, {key: value for key, value in given.items() if key != "caller"}, "phone")
    return Phone(taken.outcome, taken.ring_ms, caller, who=taken.who, detected_ms=taken.detected_ms)


@dataclass(frozen=True, slots=True)
class _PhoneTaken:
    """The fields of a phone but the person on it."""

    outcome: Literal["answer", "busy", "no-answer", "rejects", "failed"] = "answer"
    ring_ms: int = 200
    who: Literal["human", "machine", "fax", "unknown"] = "human"
    detected_ms: int | None = None


def _made(kind: type[Made], given: object, what: str) -> Made:
    """Make a value of an object's keys, each of the type that the field has. Raises ScriptError."""
    known = {one.name for one in fields(kind)}
    if isinstance(given, dict) and (unknown := given.keys() - known):
        raise ScriptError(f"{what}: no {sorted(unknown)[0]!r:.40}; there are: {', '.join(sorted(known))}")
    try:
        return msgspec.convert(given, kind, strict=True)
    except msgspec.ValidationError as error:
        raise ScriptError(f"{what}: {error}") from error


def _step(entry: object) -> Step:
    if not isinstance(entry, dict) or len(entry) != 1:
        raise ScriptError(f'a step is an object of one key, such as {{"say": "caller-menu"}}: {entry!r:.80}')
    ((name, value),) = entry.items()
    known = _STEPS.get(name)
    if known is None:
        raise ScriptError(f"no step named {name!r:.40}; there are: {', '.join(_STEPS)}")
    make, main = known
    arguments = dict(value) if isinstance(value, dict) else {main: value}
    if isinstance(words := arguments.pop("words", None), str):
        arguments["spoken"] = Words(words)
    try:
        step = make(**arguments)
        _check(step)
    except TypeError as error:
        raise ScriptError(f"step {name}: {error}") from error
    except KeyError as error:
        raise ScriptError(str(error.args[0])) from error
    return step


def _check(step: Step) -> None:
    match step:
        case Say(str(clip)) | Interrupt(str(clip)):
            words_of(clip)
        case Say(Words()) | Interrupt(Words()):
            return
        case Say() | Interrupt():
            raise TypeError("spoken is the name of a clip, or words are given")
        case Press(str()) | HangUp() | Wait(int()) | Listen(int(), int() | float()):
            return
        case _:
            raise TypeError("a value has a wrong type")


_STEPS: Mapping[str, tuple[Callable[..., Step], str]] = {
    "listen": (Listen, "until_quiet_ms"),
    "say": (Say, "spoken"),
    "interrupt": (Interrupt, "spoken"),
    "wait": (Wait, "ms"),
    "press": (Press, "digits"),
    "hang_up": (HangUp, ""),
}
