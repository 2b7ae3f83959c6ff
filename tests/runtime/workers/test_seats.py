"""Where workers listen, and which URLs are theirs."""

from __future__ import annotations

import pytest

from runtime.workers.seats import HIGHEST_PORT, Seat, SeatError, seats


def test_workers_have_the_ports_after_the_shared_one_and_urls_of_their_own() -> None:
    assert seats(2, 8080, "https://w{worker}.example.com:{port}") == (
        Seat(0, 8081, "https://w0.example.com:8081"),
        Seat(1, 8082, "https://w1.example.com:8082"),
    )


@pytest.mark.parametrize("node_url", [None, "https://agents.example.com"])
def test_workers_that_twilio_cannot_tell_apart_are_refused_with_what_to_set(node_url: str | None) -> None:
    with pytest.raises(SeatError, match=r"TM_NODE_URL with \{worker\} or \{port\}") as refused:
        seats(2, 8080, node_url)
    assert refused.value.hint is not None
    assert "https://w{worker}" in refused.value.hint
    assert "8081" in refused.value.hint


def test_a_placeholder_that_nothing_stands_for_is_named() -> None:
    with pytest.raises(SeatError, match=r"\{host\}"):
        seats(2, 8080, "https://{host}:{port}")


@pytest.mark.parametrize("node_url", [None, "https://agents.example.com"])
def test_one_process_needs_no_port_of_its_own(node_url: str | None) -> None:
    assert seats(1, 0, node_url) == (Seat(0, None, node_url),)


def test_one_process_behind_a_front_for_several_is_where_worker_0_would_be() -> None:
    assert seats(1, 8080, "https://w{worker}.example.com") == (Seat(0, 8081, "https://w0.example.com"),)


def test_ports_that_cannot_be_counted_on_from_are_refused() -> None:
    with pytest.raises(SeatError, match="Port 0 "):
        seats(2, 0, "http://example.com:{port}")
    with pytest.raises(SeatError, match=f"Port {HIGHEST_PORT - 1} "):
        seats(2, HIGHEST_PORT - 1, "http://example.com:{port}")
    last = seats(2, HIGHEST_PORT - 2, "http://example.com:{port}")[-1]
    assert last.own_port == HIGHEST_PORT
