"""The record of a call: what `GET /api/calls/{id}` answers and what the database keeps.

Every key is always there, null when unknown. Times are epoch milliseconds, `at_ms` and `heard_ms` count
milliseconds (from the answer, from the start of the speech).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

Channel: TypeAlias = Literal["twilio", "web", "whatsapp"]
Direction: TypeAlias = Literal["inbound", "outbound"]
Role: TypeAlias = Literal["caller", "agent", "tool"]
Status: TypeAlias = Literal["incoming", "active", "rejected", "completed"]
RejectReason: TypeAlias = Literal[
    "not_allowed", "concurrent_limit", "draining", "prep_timeout", "model_unavailable", "stream_timeout"
]
EndReason: TypeAlias = Literal[
    "agent_completed",
    "caller_hangup",
    "cancelled",
    "max_duration",
    "idle",
    "transferred",
    "voicemail",
    "no_answer",
    "busy",
    "failed",
    "model_error",
    "media_error",
    "browser_disconnect",
    "drained",
]


@dataclass(frozen=True, slots=True)
class Caller:
    """The other party: `number` in E.164 or `anonymous`, `country` as ISO code where the carrier told it."""

    number: str | None
    country: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return `{number, country}`."""
        return {"number": self.number, "country": self.country}


@dataclass(frozen=True, slots=True)
class TranscriptEntry:
    """One turn. `at_ms` is the start of speech, None when it was never heard to start.

    `heard_ms` and `interrupted` are the agent's only: how much of the turn the caller heard, and whether
    the caller cut it short, in which case `text` ends where the caller stopped hearing.
    """

    role: Role
    text: str
    at_ms: int | None
    heard_ms: int | None = None
    interrupted: bool | None = None
    item_id: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the entry with all of its keys."""
        return {
            "role": self.role,
            "text": self.text,
            "at_ms": self.at_ms,
            "heard_ms": self.heard_ms,
            "interrupted": self.interrupted,
            "item_id": self.item_id,
        }


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One use of a tool: `arguments` is an object, `ms` how long it ran.

    `asked_as` is the model's name for the request; what the model's side has run by itself has none.
    """

    name: str
    arguments: Mapping[str, JsonValue]
    result: JsonValue = None
    ms: int | None = None
    asked_as: str | None = field(default=None, compare=False)

    @property
    def awaits_answer(self) -> bool:
        """Whether it was asked for and is not answered."""
        return self.asked_as is not None and self.ms is None

    def to_json(self) -> dict[str, JsonValue]:
        """Return `{name, arguments, result, ms}`."""
        return {"name": self.name, "arguments": dict(self.arguments), "result": self.result, "ms": self.ms}


@dataclass(frozen=True, slots=True)
class TurnLatency:
    """How long the caller waited for one answer, in ms from when the model noticed that they had paused.

    `pause_ms`: how long they had been silent by then; `model_ms`: to the model's first audio; `frame_ms`: to
    the first frame that was sent; `heard_ms`: to the first mark that came back, 100 ms of audio later.
    """

    pause_ms: int | None = None
    model_ms: int | None = None
    frame_ms: int | None = None
    heard_ms: int | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return `{pause_ms, model_ms, frame_ms, heard_ms}`."""
        return {
            "pause_ms": self.pause_ms,
            "model_ms": self.model_ms,
            "frame_ms": self.frame_ms,
            "heard_ms": self.heard_ms,
        }


@dataclass(frozen=True, slots=True)
class Latency:
    """`first_word_ms`: answer to the agent's first frame; `turns`: what each answer took."""

    first_word_ms: int | None = None
    turns: tuple[TurnLatency, ...] = ()

    @property
    def turn_ms(self) -> tuple[int, ...]:
        """How long the first frame of each answer took."""
        return tuple(turn.frame_ms for turn in self.turns if turn.frame_ms is not None)

    def to_json(self) -> dict[str, JsonValue]:
        """Return `{first_word_ms, turn_ms, turns}`."""
        return {
            "first_word_ms": self.first_word_ms,
            "turn_ms": list(self.turn_ms),
            "turns": [turn.to_json() for turn in self.turns],
        }


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call, live or over. `id` is ours, `call_sid` the carrier's."""

    id: str
    agent: str
    direction: Direction
    status: Status
    started_at: int
    channel: Channel = "twilio"
    call_sid: str | None = None
    agent_revision: str | None = None
    caller: Caller | None = None
    caller_profile: JsonValue = None
    reject_reason: RejectReason | None = None
    end_reason: EndReason | None = None
    model: str | None = None
    ended_at: int | None = None
    duration_seconds: float | None = None
    transcript: tuple[TranscriptEntry, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    latency: Latency | None = None
    cost: Mapping[str, JsonValue] | None = None
    recordings: tuple[str, ...] | None = None
    summary: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the record with exactly the keys that the API promises."""
        return {
            "id": self.id,
            "call_sid": self.call_sid,
            "channel": self.channel,
            "direction": self.direction,
            "agent": self.agent,
            "agent_revision": self.agent_revision,
            "caller": self.caller.to_json() if self.caller else None,
            "caller_profile": self.caller_profile,
            "status": self.status,
            "reject_reason": self.reject_reason,
            "end_reason": self.end_reason,
            "model": self.model,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "duration_seconds": self.duration_seconds,
            "transcript": [entry.to_json() for entry in self.transcript],
            "tools": [use.to_json() for use in self.tools],
            "latency": self.latency.to_json() if self.latency else None,
            "cost": dict(self.cost) if self.cost is not None else None,
            "recordings": list(self.recordings) if self.recordings is not None else None,
            "summary": self.summary,
        }
