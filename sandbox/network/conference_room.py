"""A conference: who is there, who hears whom, when it begins and ends, and what is told of it. No I/O.

Twilio: it begins with the second participant, when one of them may start it; until then everybody hears
the waiting music. It ends when one leaves whose `endConferenceOnExit` is set, when the last one leaves,
or by the API. The callback of the first who joins is the conference's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from sandbox.account.conferences import Conference, ReasonEnded
from sandbox.account.formats import rfc2822
from sandbox.account.participants import Participant, ParticipantChange
from sandbox.network.flow import Extra
from sandbox.network.mixing import Room, Seat

Left = Literal[
    "conference_ended_via_api",
    "moderator_ended_conference",
    "participant_updated_via_api",
    "participant_hung_up",
    "participant_add_failed",
]

# Events as a callback names them, by the words that ask for them.
ASKED_AS = {
    "conference-start": "start",
    "conference-end": "end",
    "participant-join": "join",
    "participant-leave": "leave",
    "participant-mute": "mute",
    "participant-unmute": "mute",
    "participant-hold": "hold",
    "participant-unhold": "hold",
    "participant-modify": "modify",
    "announcement-end": "announcement",
}


@dataclass(frozen=True, slots=True)
class Music:
    """What somebody hears who waits or is on hold: a URL, or the sandbox's own music when it is None."""

    url: str | None
    method: str


@dataclass(eq=False, slots=True)
class Member:
    """Somebody in the room. `changed` is set when he is to hear something else or to go; `out` says why."""

    record: Participant
    seat: Seat
    waiting: Music | None
    holding: Music = field(default_factory=lambda: Music(None, "GET"))
    announcement: Music | None = None
    out: Left | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class ConferenceRoom:
    """One conference in progress; `tell` takes what its callback is to be told."""

    def __init__(self, record: Conference, tell: Callable[[str, Extra], None]) -> None:
        self.record = record
        self.members: dict[str, Member] = {}
        self._room = Room()
        self._tell = tell
        self._told = 0

    def enter(self, member: Member) -> None:
        """Let somebody in."""
        self.members[member.record.call_sid] = member
        self.record.participants[member.record.call_sid] = member.record
        member.record.status = "connected"
        self._say("participant-join", member.record)
        startable = any(one.record.start_on_enter for one in self.members.values())
        if self.record.status == "init" and startable and len(self.members) > 1:
            self.record.status = "in-progress"
            self._say("conference-start", member.record)
            for one in self.members.values():
                one.changed.set()
        self._seat_all()
        self._room.enter(member.seat)

    def music(self, member: Member) -> Music | None:
        """Return what somebody hears instead of the others, None when he hears them or nothing."""
        if member.record.hold:
            return member.holding
        return member.waiting if self.record.status == "init" else None

    def leave(self, member: Member, reason: Left) -> None:
        """Let somebody out, for `reason` where he goes by himself."""
        if self.members.pop(member.record.call_sid, None) is None:
            return
        self._room.leave(member.seat)
        self._gone(member.record, member.out or reason)

    def give_up(self, call_sid: str) -> None:
        """Forget somebody who was called in and did not come."""
        record = self.record.participants.get(call_sid)
        if record is not None and call_sid not in self.members:
            record.status = "failed"
            self._gone(record, "participant_add_failed")

    def change(self, call_sid: str, change: ParticipantChange) -> None:
        """Mute, hold, announce, or decide anew whether somebody's exit ends it."""
        member = self.members.get(call_sid)
        record = self.record.participants[call_sid]
        events: list[str] = []
        if change.end_on_exit is not None and change.end_on_exit != record.end_on_exit:
            record.end_on_exit = change.end_on_exit
            events.append("participant-modify")
        if change.muted is not None and change.muted != record.muted:
            record.muted = change.muted
            events.append("participant-mute" if change.muted else "participant-unmute")
        if change.hold is not None and change.hold != record.hold:
            record.hold = change.hold
            events.append("participant-hold" if change.hold else "participant-unhold")
        record.updated = datetime.now(UTC)
        if member is not None:
            if change.hold_url is not None:
                member.holding = Music(change.hold_url, change.hold_method)
            if change.announce_url is not None:
                member.announcement = Music(change.announce_url, change.announce_method)
            self._seat_all()
            member.changed.set()
        for event in events:
            self._say(event, record)

    def announced(self, member: Member) -> None:
        """Take note that an announcement was heard."""
        self._say("announcement-end", member.record)

    def remove(self, call_sid: str) -> None:
        """Put somebody out."""
        member = self.members.get(call_sid)
        if member is not None:
            _put_out(member, "participant_updated_via_api")

    def end(self, reason: ReasonEnded, left: Left, by: str | None = None) -> None:
        """Put everybody out; it is over at once."""
        if self.record.status == "completed":
            return
        self.record.status = "completed"
        self.record.reason_ended = reason
        self.record.ended_by = by
        self.record.updated = datetime.now(UTC)
        for member in self.members.values():
            _put_out(member, left)
        extra: Extra = (
            ("ReasonConferenceEnded", reason),
            ("Reason", reason.replace("-", " ")),
        )
        if by is not None:
            extra += (("CallSidEndingConference", by),)
        self._say("conference-end", None, extra)

    def _gone(self, record: Participant, reason: Left) -> None:
        self.record.participants.pop(record.call_sid, None)
        record.status = "complete" if record.status == "connected" else record.status
        self._say("participant-leave", record, (("ReasonParticipantLeft", reason),))
        kicked = reason == "participant_updated_via_api"
        if record.end_on_exit and record.status == "complete":
            self.end(
                "participant-with-end-conference-on-exit-kicked"
                if kicked
                else "participant-with-end-conference-on-exit-left",
                "moderator_ended_conference",
                record.call_sid,
            )
        elif not self.record.participants:
            self.end(
                "last-participant-kicked" if kicked else "last-participant-left",
                "moderator_ended_conference",
                record.call_sid,
            )

    def _seat_all(self) -> None:
        for member in self.members.values():
            talks = self.record.status == "in-progress" and not member.record.hold
            member.seat.hears = talks
            member.seat.speaks = talks and not member.record.muted

    def _say(self, event: str, record: Participant | None, extra: Extra = ()) -> None:
        form: Extra = (
            ("ConferenceSid", self.record.sid),
            ("FriendlyName", self.record.friendly_name),
            ("AccountSid", self.record.account_sid),
            ("StatusCallbackEvent", event),
            ("SequenceNumber", str(self._told)),
            ("Timestamp", rfc2822(datetime.now(UTC))),
        )
        self._told += 1
        if record is not None:
            form += (
                ("CallSid", record.call_sid),
                ("Muted", _boolean(record.muted)),
                ("Hold", _boolean(record.hold)),
                ("Coaching", "false"),
                ("EndConferenceOnExit", _boolean(record.end_on_exit)),
                ("StartConferenceOnEnter", _boolean(record.start_on_enter)),
            )
            if record.label:
                form += (("ParticipantLabel", record.label),)
        self._tell(event, (*form, *extra))


def _put_out(member: Member, reason: Left) -> None:
    if member.out is None:
        member.out = reason
        member.changed.set()


def _boolean(value: bool) -> str:
    return "true" if value else "false"
