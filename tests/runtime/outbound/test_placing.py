"""Asking Twilio for a call, at the right time or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.outbound.orders import DialOrder, NoRoomError, TooLateError
from tests.runtime.office import AGENT, FRONT_DESK, open_office
from tests.runtime.virtual_time import run


def test_twilio_is_not_asked_for_a_call_whose_time_has_passed(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path, AGENT) as office:
            late = DialOrder("0" * 32, "front-desk", "+14155550177", FRONT_DESK, dial_by_s=1.0)
            with pytest.raises(TooLateError):
                await office.node.placing.place(late)
            assert office.twilio.of("Url") == []

    run(story())


def test_calls_that_came_in_take_the_room_of_those_that_a_campaign_would_place(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path, AGENT + "max_concurrent_calls: 1\n") as office:
            order = DialOrder("0" * 32, "front-desk", "+14155550177", FRONT_DESK)
            await office.webhook()
            with pytest.raises(NoRoomError):
                await office.node.placing.place(order)
            assert office.twilio.of("Url") == []
            await office.node.calls.end_all()
            await office.node.placing.place(order)
            await office.node.placing.place(order)  # it does not stand in its own way
            other = DialOrder("1" * 32, "front-desk", "+14155550178", FRONT_DESK)
            with pytest.raises(NoRoomError):
                await office.node.placing.place(other)

    run(story())
