"""The laws of the buffer between a stream and the caller's ear."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from sandbox.network.playout import MAX_QUEUED, Piece, Playout

Operation = tuple[str, int]

_operations = st.lists(
    st.tuples(st.sampled_from(["media", "mark", "clear", "advance"]), st.integers(0, 400)), max_size=60
)


@dataclass
class Heard:
    """A playout that is driven by operations, and all that came of it."""

    playout: Playout = field(default_factory=Playout)
    sent: bytes = b""
    marks_sent: list[str] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    dropped: int = 0
    now: float = 0

    def do(self, operation: Operation) -> None:
        kind, amount = operation
        if kind == "media":
            audio = bytes((len(self.sent) + index) % 251 for index in range(amount))
            assert self.playout.media(audio, self.now)
            self.sent += audio
        elif kind == "mark":
            self.marks_sent.append(f"mark-{len(self.marks_sent)}")
            self.playout.mark(self.marks_sent[-1], self.now)
        elif kind == "clear":
            self.dropped += self.playout.clear(self.now)
        else:
            self.now += amount / 8
        played = self.playout.advance(self.now)
        self.pieces += played.pieces
        self.marks += played.marks

    def finish(self) -> None:
        self.do(("advance", len(self.sent) * 2))


def _heard(operations: list[Operation]) -> Heard:
    heard = Heard()
    for operation in operations:
        heard.do(operation)
    return heard


@given(_operations)
def test_what_is_not_cleared_is_played_once_in_order_and_byte_for_byte(operations: list[Operation]) -> None:
    heard = _heard([one for one in operations if one[0] != "clear"])
    heard.finish()
    assert b"".join(piece.ulaw for piece in heard.pieces) == heard.sent


@given(_operations)
def test_every_byte_is_either_played_or_dropped(operations: list[Operation]) -> None:
    heard = _heard(operations)
    heard.finish()
    assert sum(len(piece.ulaw) for piece in heard.pieces) + heard.dropped == len(heard.sent)


@given(_operations)
def test_every_mark_comes_back_once_and_in_order(operations: list[Operation]) -> None:
    heard = _heard(operations)
    heard.finish()
    assert heard.marks == heard.marks_sent


@given(_operations)
def test_nothing_is_played_faster_than_time_or_over_itself(operations: list[Operation]) -> None:
    heard = _heard(operations)
    for before, after in zip(heard.pieces, heard.pieces[1:], strict=False):
        assert before.at + len(before.ulaw) <= after.at
    if heard.pieces:
        assert heard.pieces[-1].at + len(heard.pieces[-1].ulaw) <= heard.now * 8


@given(_operations)
def test_nothing_waits_after_a_clear(operations: list[Operation]) -> None:
    heard = _heard([*operations, ("clear", 0)])
    assert heard.playout.queued_ms == 0
    assert heard.marks == heard.marks_sent


def test_a_mark_comes_back_when_the_audio_before_it_has_been_played() -> None:
    playout = Playout()
    playout.media(bytes(800), 0)
    playout.mark("first", 0)
    playout.media(bytes(800), 0)
    playout.mark("second", 0)
    assert playout.advance(99).marks == ()
    assert playout.advance(100).marks == ("first",)
    assert playout.advance(200).marks == ("second",)


def test_a_mark_comes_back_at_once_when_nothing_waits() -> None:
    playout = Playout()
    playout.mark("now", 5)
    assert playout.advance(5).marks == ("now",)


def test_audio_that_comes_late_leaves_a_gap() -> None:
    playout = Playout()
    playout.media(bytes(80), 0)
    playout.advance(50)
    playout.media(b"\x01" * 80, 50)
    assert [piece.at for piece in playout.advance(60).pieces] == [400]
    assert playout.ends_at() == 60


def test_ten_minutes_are_buffered_and_no_more() -> None:
    playout = Playout()
    assert playout.media(bytes(MAX_QUEUED), 0)
    assert not playout.media(b"\x00", 0)
    assert playout.media(bytes(8), 1)
