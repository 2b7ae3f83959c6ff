"""All conferences of the account: the live ones by name, and how callbacks about them are sent."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from sandbox.account.account import Account
from sandbox.account.conferences import Conference
from sandbox.account.participants import Invitation
from sandbox.network import verbs
from sandbox.network.conference_room import ASKED_AS, ConferenceRoom
from sandbox.network.flow import Extra
from sandbox.network.postbox import Postbox
from sandbox.network.surroundings import Surroundings


class Rooms:
    """Opens a conference for the first who comes; Twilio: one in progress per name."""

    def __init__(self, account: Account, postbox: Postbox) -> None:
        self._account = account
        self._postbox = postbox
        self._rooms: dict[str, ConferenceRoom] = {}
        self._callbacks: dict[str, tuple[verbs.Callback, Surroundings]] = {}

    def __getitem__(self, sid: str) -> ConferenceRoom:
        """Return a conference by SID. Raises KeyError."""
        return self._rooms[sid]

    def named(self, conference: verbs.Conference, around: Surroundings) -> ConferenceRoom:
        """Return the live conference of a name, else a new one; the first who joins sets the callback."""
        live = (one for one in self._account.conferences.values() if one.live)
        record = next((one for one in live if one.friendly_name == conference.name), None)
        if record is None:
            record = Conference(self._account.sid, conference.name)
            self._account.conferences[record.sid] = record
        if conference.callback is not None and not self.room_of(record).members:
            self._callbacks.setdefault(record.sid, (conference.callback, around))
        return self.room_of(record)

    def room_of(self, record: Conference) -> ConferenceRoom:
        """Return the room of a conference."""

        def tell(event: str, form: Extra) -> None:
            callback, around = self._callbacks.get(record.sid, (None, None))
            if callback is not None and around is not None and ASKED_AS[event] in callback.events:
                self._postbox.post(record.sid, callback, form, around)

        if record.sid not in self._rooms:
            self._rooms[record.sid] = ConferenceRoom(record, tell)
        return self._rooms[record.sid]

    def missed(self, call_sid: str) -> None:
        """Take note that a call is over: who was invited with it and never came is not expected any more."""
        for room in tuple(self._rooms.values()):
            room.give_up(call_sid)
            if not room.record.live and not room.members:
                del self._rooms[room.record.sid]
                self._callbacks.pop(room.record.sid, None)


def markup(invitation: Invitation, conference: Conference) -> str:
    """Return the document of somebody who is called into a conference."""
    attributes = {
        "muted": _boolean(invitation.muted),
        "startConferenceOnEnter": _boolean(invitation.start_on_enter),
        "endConferenceOnExit": _boolean(invitation.end_on_exit),
        "maxParticipants": str(invitation.max_participants),
        "waitMethod": invitation.wait_method,
    }
    if invitation.wait_url is not None:
        attributes["waitUrl"] = invitation.wait_url
    if invitation.label:
        attributes["participantLabel"] = invitation.label
    if invitation.conference_callback is not None:
        attributes["statusCallback"] = invitation.conference_callback
        attributes["statusCallbackMethod"] = invitation.conference_callback_method
        attributes["statusCallbackEvent"] = " ".join(invitation.conference_callback_events)
    written = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    name = escape(conference.friendly_name)
    return f"<Response><Dial><Conference {written}>{name}</Conference></Dial></Response>"


def _boolean(value: bool) -> str:
    return "true" if value else "false"
