"""Ordering one call: what somebody who asks for it has to say, and the order that it becomes. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runtime.outbound.leads import BadNumber, dialled_number
from runtime.outbound.orders import DialOrder, new_attempt
from runtime.outbound.variables import BadVariables, complete
from schemas import Agent
from schemas.suggestions import did_you_mean, listed

# Twilio: digits, * and #, and w for half a second, 32 at most.
_DIGITS: Final = r"^[0-9*#wW]{0,32}$"


class BadOrderError(ValueError):
    """An order by which nobody is called; the message says why, for people."""


class UnknownAgentError(BadOrderError):
    """The order names an agent that nobody has declared."""


class CallRequest(BaseModel):
    """The body of `POST /api/calls`.

    `to` may be a national number, as it is dialled where `from` is. Without `from` the agent's first number
    calls. With `voicemail` it is found out who has answered, and done as it says at a machine. `id` is to be
    that of the call's record: with one that was used before, no call is placed.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    agent: str
    to: str
    id: Annotated[str | None, Field(pattern=r"^[0-9a-f]{32}$")] = None
    from_: Annotated[str | None, Field(alias="from")] = None
    variables: Mapping[str, str] = Field(default_factory=dict)
    record: bool | None = None
    voicemail: Literal["hang_up", "message"] | None = None
    voicemail_message: Annotated[str, Field(min_length=1, max_length=3000)] | None = None
    send_digits: Annotated[str, Field(pattern=_DIGITS)] = ""
    ring_seconds: Annotated[int, Field(ge=5, le=600)] = 30


def read_request(body: bytes) -> CallRequest:
    """Read the JSON of an order. Raises `BadOrderError`."""
    try:
        return CallRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = [field.alias or name for name, field in CallRequest.model_fields.items()]
            raise BadOrderError(f'there is no "{place}"{did_you_mean(place, known)}') from None
        raise BadOrderError(f"{place or 'the body'}: {first['msg']}") from None


def order_of(request: CallRequest, agents: Mapping[str, Agent]) -> DialOrder:
    """Return the order for one call, whose attempt is the request's id. Raises `BadOrderError`."""
    agent = agents.get(request.agent)
    if agent is None:
        raise UnknownAgentError(f'there is no agent "{request.agent}"{did_you_mean(request.agent, agents)}')
    if request.voicemail == "message" and request.voicemail_message is None:
        raise BadOrderError("voicemail: message needs voicemail_message")
    caller = _caller(agent, request.from_)
    try:
        to = dialled_number(request.to, caller)
    except BadNumber as problem:
        raise BadOrderError(f"to: {problem}") from None
    if to == caller:
        raise BadOrderError("to: the agent cannot call the number that it calls from")
    try:
        variables = complete(agent.variables, request.variables)
    except BadVariables as problem:
        raise BadOrderError(f"variables: {problem}") from None
    return DialOrder(
        attempt=request.id or new_attempt(),
        agent=agent.name,
        to=to,
        from_=caller,
        variables=variables,
        machine_detection=request.voicemail is not None,
        voicemail=request.voicemail or "hang_up",
        voicemail_message=request.voicemail_message,
        record=request.record,
        ring_seconds=request.ring_seconds,
        send_digits=request.send_digits.lower(),
    )


def _caller(agent: Agent, wanted: str | None) -> str:
    """Return the number that the agent calls from."""
    numbers = [entry.number for entry in agent.numbers]
    if not numbers:
        raise BadOrderError(f"agent {agent.name} has no number to call from")
    if wanted is None:
        return numbers[0]
    if wanted not in numbers:
        raise BadOrderError(f"from: {wanted} is none of the agent's numbers: {listed(numbers, 'and')}")
    return wanted
