"""Those who are in a conference, or are being called into it: the record that REST shows, and its changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from sandbox.account import parameters
from sandbox.account.call_requests import CallRequest, Instructions, read_call_request
from sandbox.account.calls import admit
from sandbox.account.conferences import Conference, live_conference
from sandbox.account.errors import ApiError, invalid_parameter
from sandbox.account.exchange import Answer, Asked
from sandbox.account.formats import API_VERSION, is_sid, rfc2822
from sandbox.account.paging import page
from sandbox.account.parameters import Rule

ParticipantStatus = Literal["queued", "connecting", "ringing", "connected", "complete", "failed"]


@dataclass(slots=True)
class Participant:
    """One call in a conference as `/Participants/{CA}.json` shows it."""

    account_sid: str
    conference_sid: str
    call_sid: str
    label: str = ""
    muted: bool = False
    hold: bool = False
    start_on_enter: bool = True
    end_on_exit: bool = False
    status: ParticipantStatus = "queued"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def sid(self) -> str:
        """What lists go by."""
        return self.call_sid

    def json(self) -> dict[str, object]:
        """Return the record as the API answers it."""
        account = f"/{API_VERSION}/Accounts/{self.account_sid}"
        return {
            "account_sid": self.account_sid,
            "call_sid": self.call_sid,
            "label": self.label or None,
            "call_sid_to_coach": None,
            "coaching": False,
            "conference_sid": self.conference_sid,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.updated),
            "end_conference_on_exit": self.end_on_exit,
            "muted": self.muted,
            "hold": self.hold,
            "start_conference_on_enter": self.start_on_enter,
            "status": self.status,
            "queue_time": "0",
            "uri": f"{account}/Conferences/{self.conference_sid}/Participants/{self.call_sid}.json",
        }


@dataclass(frozen=True, slots=True)
class Invitation:
    """A checked `POST /Participants.json`: whom to call, and how he takes part."""

    request: CallRequest
    label: str
    muted: bool
    start_on_enter: bool
    end_on_exit: bool
    wait_url: str | None
    wait_method: str
    max_participants: int
    conference_callback: str | None
    conference_callback_method: str
    conference_callback_events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParticipantChange:
    """A checked `POST /Participants/{CA}.json`; None leaves a field as it is."""

    muted: bool | None = None
    hold: bool | None = None
    end_on_exit: bool | None = None
    hold_url: str | None = None
    hold_method: str = "GET"
    announce_url: str | None = None
    announce_method: str = "POST"


def participant_list(asked: Asked) -> Answer:
    """Answer `/Conferences/{CF}/Participants.json`: those who are there, or one more to call.

    Twilio: only who is called in may be called in by the conference's friendly name.
    """
    asked.only("GET", "POST")
    account = asked.account
    record = live_conference(asked, by_name=asked.method == "POST")
    if asked.method == "GET":
        if record is None and asked.names["conference"] not in account.conferences:
            asked.found(None)
        shown = _shown(record, asked.single) if record is not None else []
        for one in shown:
            _refresh(asked, one)
        return Answer(200, page("participants", asked.path, shown, asked.single))
    if record is None and is_sid(asked.names["conference"], "CF"):
        # Twilio: a SID only works while that conference is active; a friendly name creates one.
        asked.found(None)
    invitation = _invitation(asked)
    if record is not None and invitation.label and record.participant(invitation.label):
        raise ApiError(400, 16025, f"Participant label {invitation.label} is used in this conference")
    if record is None:
        record = Conference(account.sid, asked.names["conference"])
        account.conferences[record.sid] = record
    call = admit(asked, invitation.request)
    made = Participant(
        account.sid,
        record.sid,
        call.sid,
        invitation.label,
        invitation.muted,
        start_on_enter=invitation.start_on_enter,
        end_on_exit=invitation.end_on_exit,
    )
    record.participants[call.sid] = made
    if account.switchboard is not None:
        account.switchboard.invite(invitation, record, call)
    return Answer(201, made.json())


def participant(asked: Asked) -> Answer:
    """Answer `/Conferences/{CF}/Participants/{CA|label}.json`: look, change, or remove."""
    asked.only("GET", "POST", "DELETE")
    record = asked.found(live_conference(asked))
    found = asked.found(record.participant(asked.name))
    switchboard = asked.account.switchboard
    if asked.method == "DELETE":
        if switchboard is not None:
            switchboard.remove_participant(record.sid, found.call_sid)
        return Answer(204, None)
    if asked.method == "POST" and switchboard is not None:
        switchboard.change_participant(record.sid, found.call_sid, _change(asked.single))
    _refresh(asked, found)
    return Answer(200, found.json())


def _refresh(asked: Asked, record: Participant) -> None:
    """Show how far somebody is who is being called in."""
    call = asked.account.calls.get(record.call_sid)
    if record.status != "connected" and call is not None:
        on_his_way: dict[str, ParticipantStatus] = {"ringing": "ringing", "in-progress": "connecting"}
        record.status = on_his_way.get(call.status, record.status)


def _shown(record: Conference, filters: Mapping[str, str]) -> list[Participant]:
    def fits(one: Participant) -> bool:
        flags = {"Muted": one.muted, "Hold": one.hold}
        return all(
            filters.get(name, str(value).lower()) == str(value).lower() for name, value in flags.items()
        )

    return [one for one in record.participants.values() if fits(one)]


def _invitation(asked: Asked) -> Invitation:
    """Check the body. Raises ApiError; From, To and the callback are checked as for a call."""
    owned = frozenset(record.phone_number for record in asked.account.numbers(asked.region))
    request = read_call_request(asked.params, owned, Instructions())
    form = parameters.read(asked.single, _INVITATION)
    events = " ".join(asked.params.get("ConferenceStatusCallbackEvent", ())).split() or ["start", "end"]
    wait_url = form.get("wait_url")
    return Invitation(
        request,
        label=str(form.get("label", "")),
        muted=form.get("muted", False) is True,
        start_on_enter=form.get("start_conference_on_enter", True) is True,
        end_on_exit=form.get("end_conference_on_exit", False) is True,
        wait_url=None if wait_url is None else str(wait_url),
        wait_method=str(form.get("wait_method", "POST")),
        max_participants=int(str(form.get("max_participants", 250))),
        conference_callback=str(form.get("conference_status_callback") or "") or None,
        conference_callback_method=str(form.get("conference_status_callback_method", "POST")),
        conference_callback_events=tuple(events),
    )


def _change(form: Mapping[str, str]) -> ParticipantChange:
    values = parameters.read(form, _CHANGE)
    flags = {
        name: bool(values[given])
        for name, given in (("muted", "muted"), ("hold", "hold"), ("end_on_exit", "end_conference_on_exit"))
        if given in values
    }
    return ParticipantChange(
        muted=flags.get("muted"),
        hold=flags.get("hold"),
        end_on_exit=flags.get("end_on_exit"),
        hold_url=str(values.get("hold_url") or "") or None,
        hold_method=str(values.get("hold_method", "GET")),
        announce_url=str(values.get("announce_url") or "") or None,
        announce_method=str(values.get("announce_method", "POST")),
    )


def _label(name: str, value: str) -> str:
    if len(value) > 128:
        raise invalid_parameter(name, "must be at most 128 characters")
    return value


_INVITATION: Mapping[str, Rule] = {
    "Label": _label,
    "Muted": parameters.boolean,
    "StartConferenceOnEnter": parameters.boolean,
    "EndConferenceOnExit": parameters.boolean,
    "EarlyMedia": parameters.boolean,
    "WaitUrl": parameters.text,
    "WaitMethod": parameters.method(),
    "MaxParticipants": parameters.whole_number(2, 250),
    "ConferenceStatusCallback": parameters.url(),
    "ConferenceStatusCallbackMethod": parameters.method(),
}
_CHANGE: Mapping[str, Rule] = {
    "Muted": parameters.boolean,
    "Hold": parameters.boolean,
    "EndConferenceOnExit": parameters.boolean,
    "HoldUrl": parameters.url(),
    "HoldMethod": parameters.method(),
    "AnnounceUrl": parameters.url(),
    "AnnounceMethod": parameters.method(),
}
