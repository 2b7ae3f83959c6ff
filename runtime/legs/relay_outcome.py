"""How a session of ConversationRelay ended, as Twilio tells the action of its `<Connect>`. No I/O.

Twilio: `SessionStatus` is `ended` when the app sent `end`, whose `handoffData` comes back to the letter,
`completed` when the caller hung up, and `failed` with an `ErrorCode` otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from runtime.call.text.relay_steps import EndRelay
    from runtime.signature import Parameters

Status: TypeAlias = Literal["ended", "completed", "failed"]

_STATUSES: Final[dict[str, Status]] = {"ended": "ended", "completed": "completed", "failed": "failed"}
# Twilio: 64101 a value or a voice that it does not take, 64106 one that the provider does not.
REFUSED: Final = frozenset({64101, 64106})
MOST_CHARACTERS: Final = 500
LONGEST_CODE: Final = 6


class HandOff(msgspec.Struct, frozen=True):
    """Why we ended a session: what any node can answer Twilio's question by, also one that knows no more."""

    reason: Literal["hang_up", "farewell", "away"]

    @classmethod
    def of(cls, end: EndRelay) -> HandOff:
        """Return the reason of an end."""
        if end.away:
            return cls("away")
        return cls("hang_up" if end.goodbye is None else "farewell")

    @classmethod
    def read(cls, text: str) -> HandOff | None:
        """Return what was written, None for anything else."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError:
            return None

    def write(self) -> str:
        """Return it as `handoffData`."""
        return msgspec.json.encode(self).decode()


@dataclass(frozen=True, slots=True)
class SessionOutcome:
    """What became of a session. `error_code` is Twilio's, `detail` its words about it."""

    status: Status
    hand_off: HandOff | None = None
    error_code: int | None = None
    detail: str = ""

    @classmethod
    def read(cls, parameters: Parameters) -> SessionOutcome | None:
        """Read a request's parameters; None where they tell of no session."""
        status = _STATUSES.get(parameters.get("SessionStatus", ""))
        if status is None:
            return None
        code = parameters.get("ErrorCode", "")
        known = code.isascii() and code.isdigit() and len(code) <= LONGEST_CODE
        return cls(
            status,
            HandOff.read(parameters.get("HandoffData", "")),
            int(code) if known else None,
            parameters.get("ErrorMessage", "")[:MOST_CHARACTERS],
        )

    @property
    def failed(self) -> bool:
        """Whether something went wrong."""
        return self.status == "failed"

    @property
    def is_final(self) -> bool:
        """Whether the same document would fail in the same way."""
        return self.failed and self.error_code in REFUSED

    @property
    def is_over(self) -> bool:
        """Whether we ended the call with the session."""
        return self.status == "ended" and self.hand_off is not None and self.hand_off.reason != "away"
