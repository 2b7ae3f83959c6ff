"""The Routes API: which Region answers a number. 404 means that it was never set, which is us1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sandbox.account import parameters
from sandbox.account.errors import invalid_parameter, not_found
from sandbox.account.exchange import Answer, Asked
from sandbox.account.formats import iso8601, stable_sid
from sandbox.account.hosts import DEFAULT_REGION, REGIONS

V3_HOST = "routes.twilio.com"


@dataclass(frozen=True, slots=True)
class Route:
    """The Regions that were set for a number."""

    voice_region: str
    messaging_region: str
    friendly_name: str
    created: datetime
    updated: datetime


def route_v2(asked: Asked) -> Answer:
    """Answer `/v2/PhoneNumbers/{E164}`."""
    route = _route(asked, "VoiceRegion", None, "FriendlyName")
    return Answer(
        200,
        {
            "phone_number": _number(asked),
            "url": f"https://{V3_HOST}{asked.path}",
            "sid": stable_sid("QQ", _number(asked)),
            "account_sid": asked.account.sid,
            "friendly_name": route.friendly_name,
            "voice_region": route.voice_region,
            "date_created": iso8601(route.created),
            "date_updated": iso8601(route.updated),
        },
    )


def route_v3(asked: Asked) -> Answer:
    """Answer `/v3/PhoneNumbers/{E164}`: camelCase both ways, and only on the host of us1."""
    if asked.host != V3_HOST:
        raise not_found(asked.path)
    route = _route(asked, "voiceRegion", "messagingRegion", "friendlyName")
    return Answer(
        200,
        {
            "phoneNumber": _number(asked),
            "url": asked.url,
            "accountSid": asked.account.sid,
            "friendlyName": route.friendly_name,
            "voiceRegion": route.voice_region,
            "messagingRegion": route.messaging_region,
            "dateCreated": iso8601(route.created),
            "dateUpdated": iso8601(route.updated),
        },
    )


def _route(asked: Asked, voice: str, messaging: str | None, friendly_name: str) -> Route:
    asked.only("GET", "POST")
    number = _number(asked)
    if asked.account.find(number) is None:
        raise not_found(asked.path)
    if asked.method == "POST":
        form = asked.single
        asked.account.set_route(
            number,
            _region(form, voice),
            messaging_region=_region(form, messaging) if messaging else None,
            friendly_name=_named(form, friendly_name),
        )
    return asked.found(asked.account.routes().get(number))


def _number(asked: Asked) -> str:
    return asked.name.replace("%2B", "+")


def _region(form: Mapping[str, str], name: str) -> str | None:
    region = form.get(name)
    if region is not None and region not in REGIONS:
        raise invalid_parameter(name, f"must be one of {', '.join(REGIONS)}")
    return region


def _named(form: Mapping[str, str], name: str) -> str | None:
    return str(parameters.friendly_name(name, form[name])) if form.get(name) else None


def changed_route(
    before: Route | None,
    number: str,
    now: datetime,
    *,
    voice_region: str | None,
    messaging_region: str | None,
    friendly_name: str | None,
) -> Route:
    """Return a number's route with what was given; the rest stays, or is the default at first."""
    old = before or Route(DEFAULT_REGION, DEFAULT_REGION, number, now, now)
    return Route(
        voice_region or old.voice_region,
        messaging_region or old.messaging_region,
        friendly_name or old.friendly_name,
        old.created,
        now,
    )
