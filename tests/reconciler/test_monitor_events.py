"""Monitor Events as Twilio sends them: both forms of what changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import httpx2
import pytest

from reconciler.api.http_client import NumbersTransport, Target
from reconciler.api.library import Credentials, session_for
from reconciler.api.monitor_events import MonitorEvents
from reconciler.drift.attribution import MonitorEvent
from tests.reconciler.numbers import FRONT_DESK, sid_of
from tests.reconciler.wire import ACCOUNT_SID, TOKEN

CHANGED = {"voice_url": {"previous": None, "updated": "https://hooks.agency.example/"}}


def events_with(data: object) -> list[MonitorEvent]:
    """What is made of one event with this `event_data`."""
    event = {
        "sid": f"AE{'0' * 32}",
        "actor_sid": "US1",
        "actor_type": "user",
        "event_date": "2026-11-20T12:00:00Z",
        "event_data": data,
        "source_ip_address": "203.0.113.77",
    }
    page = {"events": [event], "meta": {"key": "events", "next_page_url": None}}

    async def read() -> list[MonitorEvent]:
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, text=json.dumps(page)))
        async with httpx2.AsyncClient(transport=transport) as client:
            credentials = Credentials("main", ACCOUNT_SID, "us1", "ashburn", ACCOUNT_SID, TOKEN)
            session = session_for(credentials, NumbersTransport(client, Target("main", ACCOUNT_SID)))
            return await MonitorEvents(session).events_of(sid_of(FRONT_DESK))

    return asyncio.run(read())


@pytest.mark.parametrize("data", [CHANGED, {"resource_properties": CHANGED}])
def test_what_changed_is_read_in_either_of_twilios_forms(data: Mapping[str, object]) -> None:
    (event,) = events_with(data)
    assert (event.actor, event.source_ip) == ("US1", "203.0.113.77")
    assert event.previous == {"voice_url": ""}
    assert event.updated == {"voice_url": "https://hooks.agency.example/"}


@pytest.mark.parametrize("data", [None, {}, {"resource_properties": None}, "voice_url", {"note": "by hand"}])
def test_an_event_that_tells_of_no_property_still_names_its_author(data: object) -> None:
    (event,) = events_with(data)
    assert (event.actor, event.previous, event.updated) == ("US1", {}, {})
