"""Carrying out a `<Dial>` of numbers on a live line.

Twilio: all numbers ring at once and the first to answer is connected; the others are cancelled. The called
side hears its own document first. Whoever leaves ends it; the dialling call goes on with its action.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from sandbox.network.bridge import Bridge
from sandbox.network.call_requests import CallRequests
from sandbox.network.events import Kind
from sandbox.network.flow import Extra
from sandbox.network.live_line import LiveLine
from sandbox.network.phone_call import HungUp, PhoneCall
from sandbox.network.racing import first_of
from sandbox.network.verbs import Callback, Dial, Number


@dataclass(slots=True)
class DialResult:
    """How a `<Dial>` went, as its action is told; the times are those of the connection."""

    status: str = "no-answer"
    called_sid: str = ""
    seconds: int = 0
    bridged: bool = False

    def form(self) -> Extra:
        """Return the parameters. Twilio: after a conference there is neither SID nor duration."""
        form: Extra = (("DialCallStatus", self.status),)
        if self.called_sid:
            bridged = "true" if self.bridged else "false"
            form += (
                ("DialCallSid", self.called_sid),
                ("DialCallDuration", str(self.seconds)),
                ("DialBridged", bridged),
            )
        return form


async def dial_numbers(
    dial: Dial,
    base: str,
    line: LiveLine,
    requests: CallRequests,
    result: DialResult,
    answer: Callable[[], None],
) -> None:
    """Ring the numbers, connect the first, and return when both have parted; `result` is filled in.

    `answer` picks up the dialling call, where that has waited for this. Cancelled, it hangs up on the others.
    """
    bridge = Bridge(requests.phone, hangs_up_on="*" if dial.hangup_on_star else "")
    dialled = [_dial_one(number, dial, base, requests, bridge) for number in dial.numbers]
    result.called_sid = dialled[0].sid
    result.status = "canceled"
    try:
        await first_of(bridge.met.wait(), _all_over(dialled))
        if bridge.called is not None:
            answer()
            _hang_up(one for one in dialled if one is not bridge.called)
            await _talk(dial, bridge, line, result)
    finally:
        bridge.over.set()
        _hang_up(dialled)
    await _all_over(dialled)
    if not result.bridged:
        result.status = dialled[0].status
        result.seconds = dialled[0].call.duration_seconds


def _dial_one(number: Number, dial: Dial, base: str, requests: CallRequests, bridge: Bridge) -> PhoneCall:
    absolute = replace(
        number,
        url=urljoin(base, number.url) if number.url else None,
        callback=_absolute(number.callback, base),
    )
    caller_id = dial.caller_id or requests.phone.call.from_
    exchange = requests.around.exchange
    return exchange.dial_on(requests.phone, absolute, bridge, caller_id, dial.timeout_s)


def _absolute(callback: Callback | None, base: str) -> Callback | None:
    return replace(callback, url=urljoin(base, callback.url)) if callback is not None else None


async def _talk(dial: Dial, bridge: Bridge, line: LiveLine, result: DialResult) -> None:
    """Let both sides talk until one leaves, the star is pressed or the time is up."""
    phone, called = bridge.dialling, bridge.called
    assert called is not None, "somebody has come"
    result.status, result.bridged, result.called_sid = "completed", True, called.sid
    began_ms = phone.line_ms()
    phone.note(Kind.CONNECTED, called.call.to)
    staying = bridge.stay(bridge.dialling_seat, line)
    try:
        await first_of(staying, line.wait(dial.time_limit_s * 1000))
    finally:
        result.seconds = math.ceil((phone.line_ms() - began_ms) / 1000)
        phone.note(Kind.PARTED, called.call.to)


async def _all_over(phones: Iterable[PhoneCall]) -> None:
    for phone in phones:
        await phone.ended()


def _hang_up(phones: Iterable[PhoneCall]) -> None:
    for phone in phones:
        phone.interrupt(HungUp("other_side"))
