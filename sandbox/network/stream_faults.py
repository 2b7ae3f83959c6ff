"""What goes wrong with a media stream on purpose, and what then reaches the server. No I/O."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.network.wire import StreamWriter

# No JSON, JSON that is no object, an event that does not exist, and media without audio: one after the other.
GARBAGE = ('{"event":"media","streamSid":', "[1, 2]", '{"event":"dance"}', '{"event":"media","media":{}}')


@dataclass(frozen=True, slots=True)
class StreamFaults:
    """What goes wrong with a call's media stream; moments are milliseconds since the stream's start.

    The connection: `drop_after_ms` tears it without stop and close; `close_after_ms` closes it without a
    stop; `stop_after_ms` says stop and leaves it open; `freeze_after_ms` neither sends nor reads any more;
    `read_delay_ms` reads each message that much later.

    The caller's audio: `jitter_ms` delays each message by up to so much; `gap_ms` (from, to) loses all of it,
    `loss` (0 to 1) that share; every so many frames `duplicate_every` sends one twice, `reorder_every` one
    after its successor, `garbage_every` something else beside; `flood` sends each so many times, as frames of
    their own; `malformed_after_ms` sends one frame that is no JSON.

    They are of every stream of the call, or of its first `streams` where that is given: a test that lets the
    app bring its caller back wants the next one to be sound.

    Marks: `mark_delay_ms` returns them late, `lose_mark_every` keeps every so many one back (1 keeps all).
    """

    drop_after_ms: int | None = None
    freeze_after_ms: int | None = None
    jitter_ms: int = 0
    gap_ms: tuple[int, int] | None = None
    malformed_after_ms: int | None = None
    close_after_ms: int | None = None
    stop_after_ms: int | None = None
    read_delay_ms: int = 0
    loss: float = 0
    duplicate_every: int = 0
    reorder_every: int = 0
    garbage_every: int = 0
    flood: int = 1
    mark_delay_ms: int = 0
    lose_mark_every: int = 0
    streams: int | None = None


class FaultyWriter:
    """Writes the frames of one stream, as far as the faults let them through and in the form they leave."""

    def __init__(self, writer: StreamWriter, faults: StreamFaults) -> None:
        self._writer = writer
        self._faults = faults
        self._frames = 0
        self._marks = 0
        self._held_back: list[str] = []
        self._late: deque[tuple[float, str]] = deque()
        self._malformed_sent = False
        self._random = random.Random(0)  # noqa: S311 - faults must be repeatable, not secret

    def media(self, ulaw: bytes, at_ms: int) -> Iterator[str]:
        """Return the frames to send for 20 ms of the caller's audio."""
        faults = self._faults
        malformed_ms = faults.malformed_after_ms
        if malformed_ms is not None and at_ms >= malformed_ms and not self._malformed_sent:
            self._malformed_sent = True
            yield GARBAGE[0]
        if self._is_lost(at_ms):
            return
        self._frames += 1
        frames = [self._writer.media(ulaw, at_ms) for _ in range(faults.flood)]
        if _is_turn(self._frames, faults.duplicate_every):
            frames.append(frames[-1])
        if _is_turn(self._frames, faults.garbage_every):
            frames.append(GARBAGE[self._frames // faults.garbage_every % len(GARBAGE)])
        held_back, self._held_back = self._held_back, []
        if _is_turn(self._frames, faults.reorder_every):
            self._held_back = frames
        else:
            yield from frames
        yield from held_back

    def mark(self, name: str, now_ms: float) -> None:
        """Take a mark that came due."""
        self._marks += 1
        if not _is_turn(self._marks, self._faults.lose_mark_every):
            self._late.append((now_ms + self._faults.mark_delay_ms, name))

    def due_marks(self, now_ms: float) -> Iterator[str]:
        """Return the marks to send by now."""
        while self._late and self._late[0][0] <= now_ms:
            yield self._writer.mark(self._late.popleft()[1])

    def delay_s(self) -> float:
        """Return by how much the next message is late, in seconds."""
        return self._random.uniform(0, self._faults.jitter_ms) / 1000

    def _is_lost(self, at_ms: int) -> bool:
        gap = self._faults.gap_ms
        if gap is not None and gap[0] <= at_ms < gap[1]:
            return True
        return bool(self._faults.loss) and self._random.random() < self._faults.loss


def _is_turn(count: int, every: int) -> bool:
    return every > 0 and count % every == 0
