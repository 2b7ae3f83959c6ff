"""What comes out of the short way for text messages is what `websockets` alone would read."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, SERVER, Protocol, Side

from runtime.text_frames import TextFrames, masked_frame

LARGEST = 70_000
# A frame: opcode, whether it is final, its size; sizes at which the header changes among them.
_SIZES = st.sampled_from([0, 1, 125, 126, 127, 350, 65_535, 65_536, LARGEST, LARGEST + 1])
_FRAMES = st.lists(
    st.one_of(
        st.tuples(st.just(Opcode.TEXT), st.just(True), _SIZES),
        st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.CONT]), st.booleans(), _SIZES),
        st.tuples(st.sampled_from([Opcode.PING, Opcode.PONG]), st.just(True), st.integers(0, 125)),
        st.tuples(st.just(Opcode.CLOSE), st.just(True), st.just(0)),
    ),
    max_size=8,
)


def bytes_of(frames: list[tuple[Opcode, bool, int]], *, masked: bool) -> bytes:
    return b"".join(
        Frame(opcode, bytes([ord("a") + number]) * size, fin).serialize(mask=masked)
        for number, (opcode, fin, size) in enumerate(frames)
    )


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


def read_by_library(side: Side, parts: list[bytes]) -> tuple[list[Frame], Exception | None]:
    protocol = Protocol(side, state=OPEN, max_size=LARGEST)
    for part in parts:
        protocol.receive_data(part)
    return [event for event in protocol.events_received() if isinstance(event, Frame)], protocol.parser_exc


def read_with_short_way(side: Side, parts: list[bytes]) -> tuple[list[Frame], Exception | None]:
    protocol = Protocol(side, state=OPEN, max_size=LARGEST)
    frames = TextFrames(masked=side is SERVER, largest=LARGEST)
    found: list[Frame] = []
    for part in parts:
        for piece, is_message in frames.split(part):
            if protocol.state is not OPEN or not is_message:
                protocol.receive_data(piece)
                found += [event for event in protocol.events_received() if isinstance(event, Frame)]
            else:
                found.append(Frame(Opcode.TEXT, piece))
    return found, protocol.parser_exc


@settings(deadline=None)
@given(
    frames=_FRAMES,
    cuts=st.lists(st.integers(0, 200_000), max_size=8),
    side=st.sampled_from([CLIENT, SERVER]),
    wrongly_masked=st.booleans(),
)
def test_every_stream_of_frames_is_read_as_the_library_reads_it(
    frames: list[tuple[Opcode, bool, int]], cuts: list[int], side: Side, wrongly_masked: bool
) -> None:
    parts = chunks(bytes_of(frames, masked=(side is SERVER) is not wrongly_masked), cuts)

    found, problem = read_with_short_way(side, parts)
    expected, expected_problem = read_by_library(side, parts)

    assert [(frame.opcode, bytes(frame.data), frame.fin) for frame in found] == [
        (frame.opcode, bytes(frame.data), frame.fin) for frame in expected
    ]
    assert type(problem) is type(expected_problem)


@given(frames=_FRAMES.filter(bool), garbage=st.binary(max_size=40))
def test_bytes_that_are_no_frames_fail_as_they_do_in_the_library(
    frames: list[tuple[Opcode, bool, int]], garbage: bytes
) -> None:
    parts = [garbage, bytes_of(frames, masked=True)]
    assert type(read_with_short_way(SERVER, parts)[1]) is type(read_by_library(SERVER, parts)[1])


def test_a_message_in_one_piece_never_reaches_the_library() -> None:
    data = bytes_of([(Opcode.TEXT, True, 350)] * 3, masked=True)

    pieces = TextFrames(masked=True, largest=LARGEST).split(data)

    assert pieces == [(bytes([ord("a") + number]) * 350, True) for number in range(3)]


@given(st.text() | st.integers(0, 70_000).map(lambda size: "ä" * (size // 2) + "a" * (size % 2)))
def test_a_message_that_is_sent_is_the_one_that_the_peer_reads(text: str) -> None:
    peer = Protocol(SERVER, state=OPEN)
    peer.receive_data(masked_frame(text))
    (frame,) = peer.events_received()
    assert isinstance(frame, Frame)
    assert (frame.opcode, bytes(frame.data).decode(), frame.fin) == (Opcode.TEXT, text, True)
