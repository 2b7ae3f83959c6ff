"""Conferences of the account, live and past: the record that REST shows, and what may be asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from sandbox.account.errors import ApiError, invalid_parameter
from sandbox.account.exchange import Answer, Asked
from sandbox.account.formats import API_VERSION, new_sid, rfc2822
from sandbox.account.paging import page

if TYPE_CHECKING:
    from sandbox.account.participants import Participant

ConferenceStatus = Literal["init", "in-progress", "completed"]
ReasonEnded = Literal[
    "conference-ended-via-api",
    "participant-with-end-conference-on-exit-left",
    "participant-with-end-conference-on-exit-kicked",
    "last-participant-kicked",
    "last-participant-left",
]


@dataclass(slots=True)
class Conference:
    """One conference as `/Conferences/{CF}.json` shows it, with its participants by call SID.

    The phone network moves its status.
    """

    account_sid: str
    friendly_name: str
    sid: str = field(default_factory=lambda: new_sid("CF"))
    status: ConferenceStatus = "init"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    reason_ended: ReasonEnded | None = None
    ended_by: str | None = None
    participants: dict[str, Participant] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        """Whether the conference is not over yet."""
        return self.status != "completed"

    def participant(self, call_sid_or_label: str) -> Participant | None:
        """Return a participant who is there, by call SID or label."""
        found = self.participants.get(call_sid_or_label)
        labelled = (one for one in self.participants.values() if one.label == call_sid_or_label)
        return found or next(labelled, None)

    def json(self) -> dict[str, object]:
        """Return the record as the API answers it."""
        uri = f"/{API_VERSION}/Accounts/{self.account_sid}/Conferences/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "friendly_name": self.friendly_name,
            "status": self.status,
            "region": "us1",
            "api_version": API_VERSION,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.updated),
            "reason_conference_ended": self.reason_ended,
            "call_sid_ending_conference": self.ended_by,
            "uri": f"{uri}.json",
            "subresource_uris": {
                "participants": f"{uri}/Participants.json",
                "recordings": f"{uri}/Recordings.json",
            },
        }


def conference_list(asked: Asked) -> Answer:
    """Answer `/Conferences.json`; there is no creation: a conference begins when somebody joins."""
    asked.only("GET")
    filters = asked.single
    shown = [
        one
        for one in reversed(asked.account.conferences.values())
        if filters.get("FriendlyName", one.friendly_name) == one.friendly_name
        and filters.get("Status", one.status) == one.status
    ]
    return Answer(200, page("conferences", asked.path, shown, filters))


def conference(asked: Asked) -> Answer:
    """Answer `/Conferences/{CF}.json`: the record, or its end."""
    asked.only("GET", "POST")
    record = asked.found(asked.account.conferences.get(asked.name))
    if asked.method == "GET":
        return Answer(200, record.json())
    status = asked.single.get("Status")
    if status not in {None, "completed"}:
        raise invalid_parameter("Status", "must be completed")
    if not record.live:
        raise ApiError(400, 20001, "Conference is already completed")
    if status and asked.account.switchboard is not None:
        asked.account.switchboard.end_conference(record.sid)
    return Answer(200, record.json())


def live_conference(asked: Asked, *, by_name: bool = False) -> Conference | None:
    """Return the live conference that the path names by SID or, where that is allowed, by friendly name."""
    name = asked.names["conference"]
    live = (one for one in asked.account.conferences.values() if one.live)
    return next((one for one in live if name == one.sid or (by_name and name == one.friendly_name)), None)
