"""What becomes of a message, by reports that come in any order and more than once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runtime.messages.record import Fate, with_fates
from runtime.messages.statuses import further, has_arrived, is_lost, reason_of

WAY = ("queued", "sending", "sent", "delivered", "read")


def after(reports: Sequence[str]) -> str:
    """The status that is known after these reports."""
    known = "waiting"
    for status in reports:
        known = status if further(status, known) else known
    return known


def record(*texts: str) -> dict[str, Any]:
    return {
        "transcript": [
            {
                "role": "agent",
                "text": text,
                "at_ms": 0,
                "heard_ms": None,
                "interrupted": None,
                "item_id": text,
            }
            for text in texts
        ]
    }


@given(st.permutations(WAY + WAY))
def test_reports_in_any_order_come_to_the_same(reports: Sequence[str]) -> None:
    assert after(reports) == "read"


@given(st.permutations(["queued", "sent", "sent", "undelivered", "sending"]))
def test_a_lost_message_stays_lost(reports: Sequence[str]) -> None:
    assert is_lost(after(reports))


def test_a_status_that_nobody_knows_changes_nothing() -> None:
    assert after(["sent", "teleported"]) == "sent"


def test_a_turn_in_parts_has_arrived_when_the_last_part_has() -> None:
    first, last = Fate("a", "read", None, 900), Fate("a", "sent", None, 400)
    (entry,) = with_fates(record("a"), [first, last])["transcript"]
    assert entry["heard_ms"] is None
    (entry,) = with_fates(record("a"), [first, Fate("a", "delivered", None, 1200)])["transcript"]
    assert entry["heard_ms"] == 1200
    assert has_arrived("delivered")


def test_a_lost_message_is_told_once_behind_its_turn() -> None:
    fates = [Fate("a", "failed", 63016, None)]
    once = with_fates(record("a", "b"), fates)
    assert with_fates(once, fates) == once
    assert [entry["role"] for entry in once["transcript"]] == ["agent", "tool", "agent"]
    assert "24 hours" in once["transcript"][1]["text"]


def test_errors_have_words_and_unknown_ones_their_number() -> None:
    assert "opted out" in reason_of(21610)
    assert "99999" in reason_of(99999)
    assert reason_of(None)
