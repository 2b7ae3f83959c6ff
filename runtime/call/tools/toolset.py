"""What an agent can do in a call besides talking: its functions, as the model is told of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from runtime.call_record import JsonValue

JsonObject: TypeAlias = Mapping[str, JsonValue]
Check: TypeAlias = Callable[[JsonObject], str | None]

NET_SECONDS: Final = 2.0  # beyond its own time-out, after which a function that says nothing is given up


def anything(_arguments: JsonObject) -> str | None:
    """Accept all arguments."""
    return None


@dataclass(frozen=True, slots=True)
class Function:
    """One function: `parameters` is a JSON Schema, and `check` says what is wrong with arguments by it.

    `filler` is what the agent says when it takes long; `seconds` is how long it may take. `built_in`
    functions are carried out by the call itself, the others by the shell.
    """

    name: str
    description: str
    parameters: JsonObject
    built_in: bool = False
    filler: str | None = None
    seconds: float = 60.0
    check: Check = field(default=anything, repr=False, compare=False)

    def to_model(self) -> dict[str, JsonValue]:
        """Return the function as models are told of it."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": dict(self.parameters),
        }


@dataclass(frozen=True, slots=True)
class Toolset:
    """All functions of one agent, by name. `fills_silence`: whoever waits for a slow one is told so."""

    functions: Mapping[str, Function] = field(default_factory=dict)
    fills_silence: bool = True

    @classmethod
    def of(cls, *functions: Function) -> Toolset:
        """Return a set of these functions."""
        return cls({function.name: function for function in functions})
