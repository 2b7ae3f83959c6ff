"""The phone network: phones dial the account's numbers, and the account's calls ring phones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.account.account import Account
from sandbox.account.calls import Call, CallRequest, Instructions
from sandbox.account.hosts import DEFAULT_REGION
from sandbox.network.caller import Interrupt, Listen, Say, Step, words_of
from sandbox.network.clock import Clock
from sandbox.network.events import Kind
from sandbox.network.live_line import Surroundings
from sandbox.network.phone_call import HungUp, PhoneCall, Redirected
from sandbox.network.routing import Callback, NoRoute, Route, route_inbound, route_outbound
from sandbox.network.runner import CallRunner, Ring
from sandbox.network.stream import StreamFaults
from sandbox.network.webhooks import Tunnels, tls_context

# A recording takes a megabyte a minute: of the calls that are over, so many are kept.
MAX_KEPT_CALLS = 200

LISTENER: tuple[Step, ...] = (Listen(),)


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone that the account can call: what it does when it rings, and who is on it."""

    outcome: Literal["answer", "busy", "no-answer"] = "answer"
    ring_ms: int = 200
    caller: Sequence[Step] = LISTENER
    name: str = ""


class Network:
    """Holds the calls in progress; each is a task that ends with the call or with `close`.

    `phones` maps numbers in E.164 to phones; a number without one rings until the time is up.
    `tunnels` maps public origins (`https://voice.example`) to local ones, for the calls to come.
    """

    def __init__(
        self, account: Account, *, clock: Clock | None = None, tunnels: Mapping[str, str] | None = None
    ) -> None:
        self.calls: dict[str, PhoneCall] = {}
        self.phones: dict[str, Phone] = {}
        self._account = account
        self._clock = clock or Clock()
        self.tunnels = dict(tunnels or {})
        self._tasks: dict[str, asyncio.Task[None]] = {}
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

    def place(self, request: CallRequest, call: Call) -> None:
        """Begin an outbound call that a request created."""
        phone = self.phones.get(call.to)
        seconds = request.ring_seconds
        if phone is None:
            ring = Ring(seconds * 1000, "no-answer")
        else:
            ring = Ring(min(phone.ring_ms, seconds * 1000), phone.outcome)
        callback = None
        if request.status_callback is not None:
            callback = Callback(
                request.status_callback, request.status_callback_method, request.status_callback_events
            )
        route = route_outbound(request.instructions, callback, self._account)
        phone_call = PhoneCall(call, phone.caller if phone else (), self._clock)
        self.calls[call.sid] = phone_call
        self._begin(phone_call, route, StreamFaults(), ring, request.time_limit_seconds)

    def end(self, sid: str) -> None:
        """End a live call for the API."""
        self.calls[sid].interrupt(HungUp("api"))

    def redirect(self, sid: str, instructions: Instructions) -> None:
        """Let another document control a live call."""
        self.calls[sid].interrupt(Redirected(instructions))

    async def close(self) -> None:
        """End all calls without ceremony and wait for their tasks."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(
        self,
        phone_call: PhoneCall,
        route: Route,
        faults: StreamFaults,
        ring: Ring | None = None,
        time_limit_seconds: int | None = None,
    ) -> None:
        call = phone_call.call
        number = call.to if call.direction == "inbound" else call.from_
        region = self._account.answering_region(number) if call.direction == "inbound" else DEFAULT_REGION
        around = Surroundings(
            self._account,
            self._account.token(region),
            Tunnels(dict(self.tunnels)),
            tls_context(),
            faults,
            time_limit_seconds,
        )
        runner = CallRunner(phone_call, route, around)
        self._tasks[call.sid] = asyncio.create_task(self._hold(phone_call, runner, ring), name="phone-call")

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
            del self._tasks[phone_call.sid]
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
