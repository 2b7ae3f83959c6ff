"""What the account needs of the phone network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sandbox.account.call_requests import CallRequest, Instructions
    from sandbox.account.calls import Call
    from sandbox.account.conferences import Conference
    from sandbox.account.messages import Message
    from sandbox.account.participants import Invitation, ParticipantChange
    from sandbox.account.recording_orders import RecordingOrder
    from sandbox.account.recordings import Recording


class Switchboard(Protocol):
    """Carries out what the REST API was asked; every method returns at once."""

    def place(self, request: CallRequest, call: Call) -> None:
        """Begin an outbound call."""

    def end(self, sid: str) -> None:
        """End a live call."""

    def redirect(self, sid: str, instructions: Instructions) -> None:
        """Take a live call out of what it does and let a new document control it."""

    def limit(self, sid: str, seconds: int) -> None:
        """End a live call so many seconds after its answer."""

    def record(self, sid: str, order: RecordingOrder) -> Recording:
        """Begin to record a call in progress."""

    def change_recording(self, sid: str, status: str, *, skips: bool) -> None:
        """Pause, resume or stop a recording; a pause is silence in it, or skipped."""

    def invite(self, invitation: Invitation, conference: Conference, call: Call) -> None:
        """Call somebody into a conference."""

    def change_participant(self, conference_sid: str, call_sid: str, change: ParticipantChange) -> None:
        """Mute, hold or announce something to somebody who is there."""

    def remove_participant(self, conference_sid: str, call_sid: str) -> None:
        """Put somebody out of a conference."""

    def send(self, message: Message) -> None:
        """Send a message, and report what becomes of it."""

    def end_conference(self, conference_sid: str) -> None:
        """Put everybody out."""
