"""Recordings of calls: the record that REST shows, its sound, and what may be asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from sandbox.account import parameters
from sandbox.account.errors import ApiError
from sandbox.account.exchange import Answer, Asked, Media
from sandbox.account.formats import API_VERSION, new_sid, rfc2822
from sandbox.account.paging import page
from sandbox.account.recording_orders import RecordingSource, read_recording_order

if TYPE_CHECKING:
    from sandbox.account.calls import Call

RecordingStatus = Literal["in-progress", "paused", "stopped", "completed", "absent"]
CURRENT = "Twilio.CURRENT"


@dataclass(slots=True)
class Recording:
    """One recording as `/Recordings/{RE}.json` shows it; `wav` is there when it is complete."""

    account_sid: str
    call_sid: str
    channels: int
    source: RecordingSource
    track: str = "both"
    sid: str = field(default_factory=lambda: new_sid("RE"))
    status: RecordingStatus = "in-progress"
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    duration_seconds: int = 0
    wav: bytes = field(default=b"", repr=False)

    @property
    def live(self) -> bool:
        """Whether it goes on, or may."""
        return self.status in {"in-progress", "paused"}

    @property
    def url(self) -> str:
        """The address that callbacks name: without extension."""
        return f"https://api.twilio.com/{API_VERSION}/Accounts/{self.account_sid}/Recordings/{self.sid}"

    def json_in_call(self) -> dict[str, object]:
        """Return the record as the API answers it below a call."""
        account = f"/{API_VERSION}/Accounts/{self.account_sid}"
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "call_sid": self.call_sid,
            "conference_sid": None,
            "channels": self.channels,
            "date_created": rfc2822(self.started),
            "date_updated": rfc2822(self.updated),
            "start_time": rfc2822(self.started),
            "duration": None if self.live else str(self.duration_seconds),
            "price": None,
            "price_unit": "USD",
            "status": self.status,
            "source": self.source,
            "error_code": None,
            "track": self.track,
            "encryption_details": None,
            "uri": f"{account}/Calls/{self.call_sid}/Recordings/{self.sid}.json",
        }

    def json(self) -> dict[str, object]:
        """Return the record as the API answers it in the account's list."""
        shown = self.json_in_call()
        del shown["track"]
        uri = f"/{API_VERSION}/Accounts/{self.account_sid}/Recordings/{self.sid}"
        return {
            **shown,
            "uri": f"{uri}.json",
            "media_url": self.url,
            "subresource_uris": {
                "add_on_results": f"{uri}/AddOnResults.json",
                "transcriptions": f"{uri}/Transcriptions.json",
            },
        }


class _InCall:
    """A recording as it is listed below its call."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.sid = recording.sid

    def json(self) -> dict[str, object]:
        return self._recording.json_in_call()


def call_recording_list(asked: Asked) -> Answer:
    """Answer `/Calls/{CA}/Recordings.json`: those of a call, or a new one."""
    asked.only("GET", "POST")
    call = asked.found(asked.account.calls.get(asked.names["call"]))
    if asked.method == "GET":
        mine = [_InCall(one) for one in asked.account.recordings.values() if one.call_sid == call.sid]
        return Answer(200, page("recordings", asked.path, mine, asked.single))
    if call.status != "in-progress":
        raise ApiError(400, 21220, "Requested resource is not eligible for recording")
    order = read_recording_order(asked.params)
    switchboard = asked.account.switchboard
    made = (
        switchboard.record(call.sid, order)
        if switchboard is not None
        else Recording(asked.account.sid, call.sid, order.channels, order.source, order.track)
    )
    asked.account.recordings[made.sid] = made
    return Answer(201, made.json_in_call())


def call_recording(asked: Asked) -> Answer:
    """Answer `/Calls/{CA}/Recordings/{RE}.json`: look, pause, resume, stop, delete."""
    asked.only("GET", "POST", "DELETE")
    call = asked.found(asked.account.calls.get(asked.names["call"]))
    recording = asked.found(_of_call(asked, call))
    if asked.method == "DELETE":
        return _deleted(asked, recording)
    if asked.method == "POST":
        wanted = parameters.one_of("in-progress", "paused", "stopped")(
            "Status", asked.single.get("Status", "")
        )
        if not recording.live:
            raise ApiError(400, 21220, "Recording is already stopped")
        behaviour = asked.single.get("PauseBehavior", "silence")
        parameters.one_of("skip", "silence")("PauseBehavior", behaviour)
        if asked.account.switchboard is not None:
            asked.account.switchboard.change_recording(recording.sid, str(wanted), skips=behaviour == "skip")
    return Answer(200, recording.json_in_call())


def recording_list(asked: Asked) -> Answer:
    """Answer `/Recordings.json`."""
    asked.only("GET")
    filters = asked.single
    shown = [
        one
        for one in reversed(asked.account.recordings.values())
        if filters.get("CallSid", one.call_sid) == one.call_sid
    ]
    return Answer(200, page("recordings", asked.path, shown, filters))


def recording(asked: Asked) -> Answer:
    """Answer `/Recordings/{RE}.json`."""
    asked.only("GET", "DELETE")
    found = asked.found(asked.account.recordings.get(asked.name))
    return _deleted(asked, found) if asked.method == "DELETE" else Answer(200, found.json())


def recording_media(asked: Asked) -> Answer:
    """Answer `/Recordings/{RE}.wav`, and the address without extension: PCM at 8 kHz."""
    asked.only("GET")
    found = asked.found(asked.account.recordings.get(asked.name))
    if found.live or not found.wav:
        asked.found(None)
    return Answer(200, None, media=Media("audio/x-wav", found.wav))


def _of_call(asked: Asked, call: Call) -> Recording | None:
    mine = [one for one in asked.account.recordings.values() if one.call_sid == call.sid]
    if asked.name == CURRENT:
        return next((one for one in reversed(mine) if one.live), None)
    return next((one for one in mine if one.sid == asked.name), None)


def _deleted(asked: Asked, recording: Recording) -> Answer:
    if recording.live:
        raise ApiError(400, 21220, "Recording is not complete")
    del asked.account.recordings[recording.sid]
    return Answer(204, None)
