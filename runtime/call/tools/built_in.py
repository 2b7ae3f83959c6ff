"""The functions that come with every agent, or for the asking: what the model is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from runtime.call.tools.tool_texts import failure
from runtime.call.tools.toolset import Function, JsonObject, Toolset
from runtime.call_record import JsonValue

if TYPE_CHECKING:
    from runtime.call.transfer_steps import Outcome

HANG_UP: Final = "hang_up"
SEND_DIGITS: Final = "send_digits"
COLLECT_DIGITS: Final = "collect_digits"
TAKE_MESSAGE: Final = "take_message"
DO_NOT_CALL: Final = "do_not_call"
TRANSFER: Final = "transfer"
SWITCH_LANGUAGE: Final = "switch_language"

LONGEST_TRANSFER: Final = 600.0  # s, as a net: a transfer ends by itself before that
LONGEST_NOTE: Final = 15.0  # s, as a net: the database has less
LONGEST_COLLECTION: Final = 120.0  # s, from the request to the last key
MOST_DIGITS: Final = 32
MOST_SUMMARY_CHARACTERS: Final = 1_000  # it is read out while the caller waits
MESSAGE_TAKEN: Final = '{"taken": true}'
"""A message is taken by being told: it stands in the record."""
LANGUAGE_SWITCHED: Final = '{"switched": true}'
_OUTCOMES: Final[dict[Outcome, str]] = {
    "busy": "the line is busy",
    "no_answer": "nobody answered",
    "failed": "the person cannot be reached",
    "refused": "the person did not take the call",
    "voicemail": "only voicemail answered",
}
_KEYS: Final = "^[0-9A-Da-d*#wW ]{1,64}$"


def _object(properties: dict[str, JsonValue], *required: str) -> JsonObject:
    schema: dict[str, JsonValue] = {"type": "object", "properties": properties}
    return {**schema, "required": list(required), "additionalProperties": False} if properties else schema


def _text(description: str, **more: JsonValue) -> JsonValue:
    return {"type": "string", "description": description, **more}


HANG_UP_FUNCTION: Final = Function(
    HANG_UP,
    "Ends the call. Say goodbye first; what you said is played to its end.",
    _object({}),
    built_in=True,
)
HANG_UP_ONLY: Final = Toolset.of(HANG_UP_FUNCTION)

OPTIONAL: Final = {
    function.name: function
    for function in (
        Function(
            SEND_DIGITS,
            "Presses keys of the telephone, for a menu or an extension of the other side. "
            "Say nothing while they sound.",
            _object(
                {"digits": _text("0-9, *, #, A-D; w waits half a second", pattern=_KEYS)},
                "digits",
            ),
            built_in=True,
        ),
        Function(
            COLLECT_DIGITS,
            "Lets the caller type digits on the telephone's keys and returns them. "
            "Use it for numbers that have to be exact.",
            _object(
                {
                    "prompt": _text("What you say to ask for them, word for word"),
                    "max_digits": {"type": "integer", "minimum": 1, "maximum": MOST_DIGITS},
                    "finish_key": _text("The key that ends the input; # if left out", enum=["#", "*"]),
                    "timeout_s": {
                        "type": "number",
                        "minimum": 1,
                        "maximum": 30,
                        "description": "Seconds without a key after which the input is over; 8 if left out",
                    },
                }
            ),
            built_in=True,
            seconds=LONGEST_COLLECTION,
        ),
        Function(
            TAKE_MESSAGE,
            "Keeps a message of the caller for the company. Read it back to the caller before you use this.",
            _object(
                {
                    "name": _text("Who leaves it"),
                    "number": _text("Where to call back"),
                    "message": _text("What it says", minLength=1),
                },
                "message",
            ),
            built_in=True,
        ),
        Function(
            DO_NOT_CALL,
            "Notes that the person does not want to be called again. Use it as soon as they say so; then "
            "confirm it and say goodbye.",
            _object({}),
            built_in=True,
            seconds=LONGEST_NOTE,
        ),
    )
}


def language_function(languages: Sequence[str]) -> Function:
    """Return the function that changes the language of the voice and of the recogniser to one of these."""
    codes: list[JsonValue] = [*languages]
    language = _text("The language to go on in", enum=codes)
    return Function(
        SWITCH_LANGUAGE,
        "Changes the language in which you are heard and the caller is understood. Use it as soon as the "
        "caller speaks or asks for another of these languages, before you answer in it.",
        _object({"language": language}, "language"),
        built_in=True,
    )


def transfer_function(destinations: Sequence[tuple[str | None, str | None]]) -> Function:
    """Return the function that puts the caller through to one of these, each a name and what it is for.

    A single destination is not asked for.
    """
    names: list[JsonValue] = [name for name, _ in destinations]
    summary = _text(
        "What the person should know about the caller and the matter, in a sentence or two",
        maxLength=MOST_SUMMARY_CHARACTERS,
    )
    properties: dict[str, JsonValue] = {"summary": summary}
    if len(names) == 1:
        purposes = destinations[0][1] or ""
        schema = _object(properties, "summary")
    else:
        purposes = "; ".join(f"{name}: {purpose}" for name, purpose in destinations if purpose)
        schema = _object(
            {"destination": {"type": "string", "enum": names}, **properties}, "destination", "summary"
        )
    return Function(
        TRANSFER,
        "Puts the caller through to a person. Tell the caller first; what you said is played to its end. "
        f"When nobody takes the call, the caller comes back to you. {purposes}".strip(),
        schema,
        built_in=True,
        seconds=LONGEST_TRANSFER,
    )


def transfer_result(outcome: Outcome | None) -> str:
    """Return what the model is told of a transfer: done, or why the caller is back."""
    if outcome is None:
        return msgspec.json.encode({"transferred": True}).decode()
    return failure(
        f"not transferred: {_OUTCOMES[outcome]}. The caller was kept waiting and is back with you: "
        "say so, and offer what else you can do."
    )


def keys_sent(keys: str, *, whole: bool) -> str:
    """Return what the model is told once keys have sounded, or were cut off by the other side's voice."""
    if whole:
        return msgspec.json.encode({"sent": keys}).decode()
    return failure("cut off: the other side spoke while the keys sounded")
