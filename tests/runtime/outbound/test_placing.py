"""Asking Twilio for a call, at the right time or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.outbound.orders import DialOrder, TooLateError
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
