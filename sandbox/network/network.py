"""The phone network: phones dial the account's numbers, and the account's calls ring phones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from sandbox.account.account import Account
from sandbox.account.call_requests import CallRequest, Instructions
from sandbox.account.calls import Call
from sandbox.account.conferences import Conference
from sandbox.account.hosts import DEFAULT_REGION
from sandbox.account.messages import Message
from sandbox.account.participants import Invitation, ParticipantChange
from sandbox.account.recording_orders import RecordingOrder
from sandbox.account.recordings import Recording
from sandbox.network import verbs
from sandbox.network.bridge import Bridge
from sandbox.network.caller import Interrupt, Say, Step, words_of
from sandbox.network.clock import Clock
from sandbox.network.conference_room import ConferenceRoom
from sandbox.network.events import Kind
from sandbox.network.flow import Target
from sandbox.network.media_files import MS_PER_CHARACTER
from sandbox.network.messenger import Messenger
from sandbox.network.phone_call import HungUp, PhoneCall, Redirected
from sandbox.network.phones import LISTENER, Phone
from sandbox.network.postbox import Postbox
from sandbox.network.rooms import Rooms, markup
from sandbox.network.routing import NoRoute, Route, route_inbound, route_outbound
from sandbox.network.runner import CallRunner, Ring
from sandbox.network.stream_faults import StreamFaults
from sandbox.network.surroundings import Surroundings
from sandbox.network.webhooks import Form, Tunnels, tls_context

# A recording takes a megabyte a minute: of the calls that are over, so many are kept.
MAX_KEPT_CALLS = 200


class Network:
    """Holds the calls in progress; each is a task that ends with the call or with `close`.

    `phones` maps numbers in E.164 to phones; a number without one rings until the time is up. `faults`
    maps numbers to what goes wrong with the streams of calls that the account places to them;
    `ms_per_character` is how fast the voices of Say and ConversationRelay speak, in calls to come.
    `messenger` carries messages. `tunnels` maps public origins (`https://voice.example`) to local ones, for
    the calls to come.
    """

    def __init__(
        self, account: Account, *, clock: Clock | None = None, tunnels: Mapping[str, str] | None = None
    ) -> None:
        self.calls: dict[str, PhoneCall] = {}
        self.phones: dict[str, Phone] = {}
        self.faults: dict[str, StreamFaults] = {}
        self.ms_per_character: float = MS_PER_CHARACTER
        self._account = account
        self._clock = clock or Clock()
        self.tunnels = dict(tunnels or {})
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._runners: dict[str, CallRunner] = {}
        self._dialled = asyncio.Event()
        self._postbox = Postbox()
        self._rooms = Rooms(account, self._postbox)
        self.messenger = Messenger(account, self._postbox, self._surroundings)
        account.switchboard = self

    def dial(
        self,
        *,
        from_: str,
        to: str,
        caller: Sequence[Step] = LISTENER,
        name: str = "",
        faults: StreamFaults | None = None,
    ) -> PhoneCall:
        """Let a phone call a number of the account, and return the call at once.

        `from_` is E.164 or what Twilio puts there otherwise (`anonymous`, `client:x`); `name` is the
        caller's, told to numbers with a caller-id look-up. Raises KeyError for an unknown clip.
        """
        check_steps(caller)
        record = self._account.find(to, self._account.answering_region(to))
        call = Call(self._account.sid, from_, to, "inbound", record.sid if record else "")
        phone_call = PhoneCall(call, caller, self._clock)
        self.calls[call.sid] = phone_call
        route = (
            NoRoute(f"{to} is not a number of this account")
            if record is None
            else route_inbound(record, self._account)
        )
        if isinstance(route, NoRoute):
            call.status = "failed"
            phone_call.note(Kind.FAILED, route.reason)
            phone_call.finish()
        else:
            call.status = "ringing"
            call.caller_name = name if route.caller_name else ""
            phone_call.note(Kind.RINGING, to)
            self._begin(phone_call, route, faults or StreamFaults())
        if record is not None:
            self._account.calls[call.sid] = call
        return phone_call

    def calls_to(self, number: str) -> tuple[PhoneCall, ...]:
        """Return the calls to a number, oldest first: those that were dialled on included."""
        return tuple(call for call in self.calls.values() if call.call.to == number)

    async def called(self, number: str) -> PhoneCall:
        """Wait until a number is called, and return the latest call to it."""
        while not self.calls_to(number):
            self._dialled.clear()
            await self._dialled.wait()
        return self.calls_to(number)[-1]

    async def quiet(self) -> None:
        """Wait until every callback that is sent in the background has been delivered."""
        await self._postbox.emptied()

    async def close(self) -> None:
        """End all calls without ceremony and wait for their tasks."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._postbox.close()

    # What the REST API asks for (sandbox.account.switchboard).

    def place(self, request: CallRequest, call: Call) -> None:
        """Begin an outbound call that a request created."""
        self._place(request, call, request.instructions)

    def invite(self, invitation: Invitation, conference: Conference, call: Call) -> None:
        """Call somebody into a conference: his document is nothing but that."""
        self._rooms.room_of(conference)
        self._place(invitation.request, call, Instructions(twiml=markup(invitation, conference)))

    def end(self, sid: str) -> None:
        """End a live call."""
        self.calls[sid].interrupt(HungUp("api"))

    def redirect(self, sid: str, instructions: Instructions) -> None:
        """Let another document control a live call."""
        self.calls[sid].interrupt(Redirected(instructions))

    def limit(self, sid: str, seconds: int) -> None:
        """End a live call so many seconds after its answer."""
        self.calls[sid].time_limit_seconds = seconds

    def record(self, sid: str, order: RecordingOrder) -> Recording:
        """Begin to record a call in progress."""
        return self._runners[sid].recorder.start(order)

    def change_recording(self, sid: str, status: str, *, skips: bool) -> None:
        """Pause, resume or stop a recording."""
        call_sid = self._account.recordings[sid].call_sid
        self._runners[call_sid].recorder.change(sid, status, skips=skips)

    def change_participant(self, conference_sid: str, call_sid: str, change: ParticipantChange) -> None:
        """Mute, hold or announce something to somebody who is there."""
        self._rooms[conference_sid].change(call_sid, change)

    def remove_participant(self, conference_sid: str, call_sid: str) -> None:
        """Put somebody out of a conference; who was not in it yet is not called any more."""
        if call_sid in self._rooms[conference_sid].members:
            self._rooms[conference_sid].remove(call_sid)
        else:
            self.end(call_sid)

    def send(self, message: Message) -> None:
        """Send a message to a phone."""
        self.messenger.send(message)

    def end_conference(self, conference_sid: str) -> None:
        """Put everybody out."""
        self._rooms[conference_sid].end("conference-ended-via-api", "conference_ended_via_api")

    # What calls ask of each other (sandbox.network.surroundings).

    def dial_on(
        self, parent: PhoneCall, number: verbs.Number, bridge: Bridge, caller_id: str, ring_s: int
    ) -> PhoneCall:
        """Dial somebody for a call, who meets it on the bridge."""
        call = Call(self._account.sid, caller_id, number.number, "outbound-dial", parent_call_sid=parent.sid)
        self._account.calls[call.sid] = call
        phone = self.phones.get(number.number)
        phone_call = PhoneCall(call, phone.caller if phone else (), self._clock)
        route = Route(Target(number.url or "", number.method), number.callback)
        ring = Ring(phone, ring_s * 1000, send_digits=number.send_digits)
        self._begin(phone_call, route, self._faults(call.to), ring, bridge)
        return phone_call

    def room(self, conference: verbs.Conference, around: Surroundings) -> ConferenceRoom:
        """Return the conference of a name: the one in progress, else a new one."""
        return self._rooms.named(conference, around)

    def post(self, about: str, callback: verbs.Callback, form: Form, around: Surroundings) -> None:
        """Send a callback in the background."""
        self._postbox.post(about, callback, form, around)

    def _place(self, request: CallRequest, call: Call, instructions: Instructions) -> None:
        phone = self.phones.get(call.to)
        callback = None
        if request.status_callback is not None:
            callback = verbs.Callback(
                request.status_callback, request.status_callback_method, request.status_callback_events
            )
        route = route_outbound(instructions, callback, self._account)
        phone_call = PhoneCall(call, phone.caller if phone else (), self._clock)
        phone_call.time_limit_seconds = request.time_limit_seconds
        ring = Ring(
            phone, request.ring_seconds * 1000, request.detection, request.send_digits, request.recording
        )
        self._begin(phone_call, route, self._faults(call.to), ring)

    def _faults(self, number: str) -> StreamFaults:
        return self.faults.get(number, StreamFaults())

    def _begin(
        self,
        phone_call: PhoneCall,
        route: Route,
        faults: StreamFaults,
        ring: Ring | None = None,
        bridge: Bridge | None = None,
    ) -> None:
        call = phone_call.call
        self.calls[call.sid] = phone_call
        self._dialled.set()
        inbound = call.direction == "inbound"
        region = self._account.answering_region(call.to) if inbound else DEFAULT_REGION
        around = self._surroundings(region, faults)
        runner = CallRunner(phone_call, route, around, bridge)
        self._runners[call.sid] = runner
        self._tasks[call.sid] = asyncio.create_task(self._hold(phone_call, runner, ring), name="phone-call")

    def _surroundings(self, region: str = DEFAULT_REGION, faults: StreamFaults | None = None) -> Surroundings:
        return Surroundings(
            self._account,
            self._account.token(region),
            Tunnels(dict(self.tunnels)),
            tls_context(),
            faults or StreamFaults(),
            self,
            self.ms_per_character,
        )

    async def _hold(self, phone_call: PhoneCall, runner: CallRunner, ring: Ring | None) -> None:
        """Run a call to its end; whatever ends it, those who wait are told."""
        try:
            await runner.run(ring)
        except Exception as error:
            phone_call.call.status = "failed"
            phone_call.finish(error)
        except asyncio.CancelledError:
            phone_call.call.status = "failed"
            phone_call.finish()
            raise
        else:
            phone_call.finish()
        finally:
            self._rooms.missed(phone_call.sid)
            del self._tasks[phone_call.sid]
            del self._runners[phone_call.sid]
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        over = [sid for sid, phone_call in self.calls.items() if phone_call.is_over]
        for sid in over[:-MAX_KEPT_CALLS]:
            del self.calls[sid]


def check_steps(steps: Sequence[Step]) -> None:
    """Raise KeyError when a step says a clip that does not exist."""
    for step in steps:
        if isinstance(step, Say | Interrupt):
            words_of(step.spoken)
