"""Where a stream may lead, and what becomes of its messages when they are spoilt on purpose."""

from __future__ import annotations

import json

import pytest

from sandbox import StreamFaults
from sandbox.network.line import SILENT_FRAME
from sandbox.network.stream import StreamError, stream_address
from sandbox.network.stream_faults import FaultyWriter
from sandbox.network.webhooks import Tunnels
from sandbox.network.wire import StreamWriter

NO_TUNNELS = Tunnels({})


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ws://voice.example/stream", 31922),
        ("https://voice.example/stream", 31922),
        ("/stream", 31923),
        ("wss:///stream", 31923),
    ],
)
def test_a_stream_leads_to_a_secure_socket_only(url: str, code: int) -> None:
    with pytest.raises(StreamError) as caught:
        stream_address(url, NO_TUNNELS)
    assert caught.value.code == code


def test_plain_sockets_are_for_this_machine() -> None:
    assert stream_address("ws://127.0.0.1:8080/stream/a", NO_TUNNELS) == (
        "ws://127.0.0.1:8080/stream/a",
        None,
    )


def test_a_query_string_is_dropped_and_told_of() -> None:
    url, oddity = stream_address("wss://voice.example/stream?call=1", NO_TUNNELS)
    assert url == "wss://voice.example/stream"
    assert oddity is not None


def _frames(faults: StreamFaults, *, number: int = 12) -> list[str]:
    """Return the chunks that reach the server of so many frames, `x` for what is no audio."""
    writer = FaultyWriter(StreamWriter("AC", "CA", "MZ"), faults)
    sent = [frame for at in range(number) for frame in writer.media(SILENT_FRAME, 20 * at)]
    return [_chunk(frame) for frame in sent]


def _chunk(frame: str) -> str:
    try:
        return str(json.loads(frame)["media"]["chunk"])
    except (ValueError, KeyError, TypeError):
        return "x"


@pytest.mark.parametrize(
    ("faults", "chunks"),
    [
        (StreamFaults(), "1 2 3 4 5 6"),
        (StreamFaults(duplicate_every=2), "1 2 2 3 4 4 5 6 6"),
        (StreamFaults(reorder_every=3), "1 2 4 3 5"),
        (StreamFaults(flood=2), "1 2 3 4 5 6 7 8 9 10 11 12"),
        (StreamFaults(garbage_every=2), "1 2 x 3 4 x 5 6 x"),
        (StreamFaults(gap_ms=(40, 80)), "1 2 3 4"),
        (StreamFaults(malformed_after_ms=40), "1 2 x 3 4 5 6"),
    ],
)
def test_frames_are_repeated_swapped_lost_or_spoilt_on_demand(faults: StreamFaults, chunks: str) -> None:
    assert _frames(faults, number=6) == chunks.split()


def test_a_share_of_the_frames_is_lost_the_same_ones_each_time() -> None:
    first, second = (_frames(StreamFaults(loss=0.2), number=500) for _ in range(2))
    assert first == second
    assert 350 < len(first) < 450


def test_marks_come_late_or_never_on_demand() -> None:
    writer = FaultyWriter(StreamWriter("AC", "CA", "MZ"), StreamFaults(mark_delay_ms=3000, lose_mark_every=2))
    for name in ("a", "b", "c"):
        writer.mark(name, 1000)
    assert list(writer.due_marks(3900)) == []
    assert [json.loads(frame)["mark"]["name"] for frame in writer.due_marks(4000)] == ["a", "c"]
