"""The stream of a text model's answer, cut into events, however it comes and however long it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.model.text_line import LONGEST_LINE, LONGEST_STREAM, TooMuchError, data_of


def read(*pieces: bytes) -> list[str]:
    async def stream() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def story() -> list[str]:
        return [data async for data in data_of(stream())]

    return asyncio.run(story())


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)), st.data())
def test_events_are_the_same_however_the_stream_is_cut(texts: Sequence[str], data: st.DataObject) -> None:
    stream = "".join(f"event: x\r\n: alive\ndata: {text}\r\n\r\ndata:\n" for text in texts).encode()
    cut = data.draw(st.integers(0, len(stream)))
    assert read(stream[:cut], stream[cut:]) == texts


def test_the_last_event_needs_no_end_of_its_line() -> None:
    assert read(b"data: [DO", b"NE]") == ["[DONE]"]


def test_an_event_without_an_end_is_not_waited_for() -> None:
    with pytest.raises(TooMuchError):
        read(*[b"data: " + b"x" * 65_536] * (LONGEST_LINE // 65_536 + 1))


def test_an_answer_without_an_end_is_not_waited_for() -> None:
    with pytest.raises(TooMuchError):
        read(*[b"data: x\n" * 8_192] * (LONGEST_STREAM // 65_536 + 1))
