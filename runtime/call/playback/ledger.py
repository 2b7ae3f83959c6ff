"""The playback ledger: what the agent has said, what has been sent of it, and what the caller has heard.

The model generates much faster than anybody listens. Its audio waits here, one queue per item, and goes out
in whole 20 ms frames, at most 100 ms in a message, never more than 200 ms ahead of the caller's ear: so a
clear takes effect at once, and even a lost one costs little. A mark follows each 100 ms and each item. Bytes
go out exactly as they came in, save for the end of a hold sound that is mixed under the first of them.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from runtime.call.actions import PlayAudio, PlayMark
from runtime.call.playback.hold_sound import HoldPlayer, HoldSound
from runtime.call.playback.playhead import BYTES_PER_MS, BYTES_PER_SECOND, Playhead

FRAME: Final = 20 * BYTES_PER_MS
MESSAGE: Final = 100 * BYTES_PER_MS
LEAD: Final = 0.2  # s of audio that may be ahead of the caller's ear
REMEMBERED_ITEMS: Final = 64
MOST_WAITING: Final = 15 * 60 * BYTES_PER_SECOND  # of audio: more than anybody listens to in one breath
MOST_WAITING_ITEMS: Final = 256
KEPT_BYTES: Final = 2 * BYTES_PER_SECOND  # of what was sent last, for a pause: far more than can be unheard


@dataclass(slots=True)
class _Item:
    """One utterance: `start` is the playhead position of its first byte, once that has been sent."""

    item_id: str
    queue: bytearray = field(default_factory=bytearray)
    received: int = 0
    start: int | None = None
    complete: bool = False

    @property
    def sent(self) -> int:
        return self.received - len(self.queue)

    def sendable(self) -> int:
        """Return the size of the next message: whole frames, and the rest only at the item's end."""
        waiting = len(self.queue)
        if waiting >= MESSAGE:
            return MESSAGE
        return waiting if self.complete else waiting - waiting % FRAME


@dataclass(frozen=True, slots=True)
class Cut:
    """How far the caller has heard an item: `heard_ms` of the `received_ms` that the model gave so far.

    `complete` tells whether the model had given all of it.
    """

    item_id: str
    heard_ms: int
    received_ms: int
    complete: bool


@dataclass(slots=True)
class Batch:
    """What is to be sent now, and the items whose first frame is in it."""

    actions: list[PlayAudio | PlayMark] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)


class PlaybackLedger:
    """The agent's speech on its way to the caller.

    `receive` and `complete` come from the model, `due` and `send_at` drive the sending, `acknowledge` takes
    marks, `interrupt` ends what is being said. Until the stream is there, only the first two are called.
    Where the agent may have to `pause` and `resume`, `keeps_sent` lets it keep what was sent last.
    """

    __slots__ = (
        "_closed",
        "_generation",
        "_hold",
        "_kept",
        "_marked",
        "_marks",
        "_playhead",
        "_sent",
        "_size",
        "_waiting",
        "paused",
    )

    def __init__(self, hold: HoldSound | None = None, *, keeps_sent: bool = False) -> None:
        self._hold = HoldPlayer(hold)
        self.paused = False
        self._kept: bytearray | None = bytearray() if keeps_sent else None
        self._playhead = Playhead()
        self._waiting: deque[_Item] = deque()  # not sent in full; only the first is being sent
        self._size = 0  # bytes that wait, of all items
        self._sent: deque[_Item] = deque()  # sent in full, perhaps not heard
        self._closed: dict[str, None] = {}
        self._generation = 1
        self._marks = 0
        self._marked = 0

    # --- from the model

    def receive(self, item_id: str, audio: bytes) -> bool:
        """Queue audio; False when it comes too late, for an item that was cut or has been sent in full.

        False too when more waits than a quarter of an hour, or more items than a call can have.
        """
        if self._size + len(audio) > MOST_WAITING:
            return False
        item = self._waiting[-1] if self._waiting else None
        if item is None or item.item_id != item_id:
            if item_id in self._closed or len(self._waiting) >= MOST_WAITING_ITEMS:
                return False
            item = self._find(item_id) or self._add(item_id)
        self._hold.give_way()
        item.queue += audio
        self._size += len(audio)
        item.received += len(audio)
        return True

    def complete(self, item_id: str) -> None:
        """Note that the model has given all of this item's audio."""
        if item := self._find(item_id):
            item.complete = True

    def complete_all(self) -> None:
        """Note that no more audio comes for anything that waits."""
        for item in self._waiting:
            item.complete = True

    def unfinished(self) -> list[tuple[str, int]]:
        """Return the items whose audio is not complete, with the ms that were received of each."""
        return [(item.item_id, item.received // BYTES_PER_MS) for item in self._waiting if not item.complete]

    def _find(self, item_id: str) -> _Item | None:
        return next((item for item in self._waiting if item.item_id == item_id), None)

    def _add(self, item_id: str) -> _Item:
        """Open a new item; a model speaks one at a time, so those before it are complete."""
        self.complete_all()
        item = _Item(item_id)
        self._waiting.append(item)
        return item

    # --- to the caller

    def send_at(self) -> float | None:
        """Return the moment (s) from which `due` has something to send, None when nothing can be sent."""
        return self._due_at(self._next_size())

    def _next_size(self) -> int | None:
        """Return the size of the next message of what was said, 0 for a mere end; None when there is none."""
        if not self._waiting:
            return None
        size = self._waiting[0].sendable()
        return size if size or self._waiting[0].complete else None

    def _due_at(self, size: int | None) -> float | None:
        """Return when (s) to send the next message, which has this size, or is one of the hold sound."""
        if self.paused:
            return None
        if size is not None:
            return self._playhead.ends_at + size / BYTES_PER_SECOND - LEAD
        return None if self._hold.silent else self._hold.send_at(self._playhead.ends_at)

    def due(self, now: float) -> Batch:
        """Return what is to be sent now, booked as sent."""
        batch = Batch()
        while (at := self._due_at(size := self._next_size())) is not None and at <= now:
            if size is None:
                self._send_hold(batch, now)
            else:
                self._send_from(self._waiting[0], size, batch, now)
        return batch

    def _send_from(self, item: _Item, size: int, batch: Batch, now: float) -> None:
        """Send one message of the item, and its marks."""
        if size:
            if item.start is None:
                item.start = self._playhead.sent
                batch.begun.append(item.item_id)
            message = item.queue[:size]
            self._play(self._hold.under(message), batch, now)
            del item.queue[:size]
            self._size -= size
        ended = item.complete and not item.queue
        unmarked = self._playhead.sent - self._marked
        if unmarked >= MESSAGE or (ended and unmarked):
            batch.actions.append(self._mark())
        if ended:
            self._sent.append(self._waiting.popleft())
            self._close(item.item_id)

    def _play(self, audio: bytes | bytearray, batch: Batch, now: float) -> None:
        batch.actions.append(PlayAudio(b2a_base64(audio, newline=False).decode("ascii")))
        if self._kept is not None:
            self._keep(audio)
        self._playhead.send(len(audio), now)

    def _keep(self, message: bytes | bytearray) -> None:
        assert self._kept is not None
        self._kept += message
        if len(self._kept) > 2 * KEPT_BYTES:  # seldom, so that moving what is kept costs nothing
            del self._kept[:-KEPT_BYTES]

    # --- while the agent is not there

    @property
    def speaks(self) -> bool:
        """True while there is something of the agent's to be sent."""
        return bool(self._waiting)

    def wait(self, now: float) -> None:
        """Play the hold sound, behind what waits to be sent, until there is new audio, or `stop_waiting`."""
        self._hold.wait(now)

    def stop_waiting(self) -> None:
        """Let the hold sound fall silent; `due` sends its end."""
        self._hold.stop()

    def _send_hold(self, batch: Batch, now: float) -> None:
        """Send a piece of the hold sound; a mark a second is enough, and one at its end."""
        self._play(self._hold.take(), batch, now)
        if self._hold.silent or self._playhead.sent - self._marked >= BYTES_PER_SECOND:
            batch.actions.append(self._mark())

    def _mark(self) -> PlayMark:
        self._marks += 1
        name = f"g{self._generation}.{self._marks}"
        self._playhead.mark(name)
        self._marked = self._playhead.sent
        return PlayMark(name)

    def acknowledge(self, name: str, now: float) -> bool:
        """Book a mark that came back; False for stale and unknown ones, which change nothing."""
        if not self._playhead.acknowledge(name, now):
            return False
        while self._sent and _end(self._sent[0]) <= self._playhead.acked:
            self._sent.popleft()
        return True

    # --- what was heard

    @property
    def quiet(self) -> bool:
        """True when nothing waits and everything that was sent is known to have been played."""
        return not self._waiting and self._hold.silent and self._playhead.acked == self._playhead.sent

    @property
    def ends_at(self) -> float:
        """The moment (s) at which what was sent so far has been played."""
        return self._playhead.ends_at

    def unheard(self, now: float) -> list[Cut]:
        """Return how far each item was heard that the caller has not heard to its end, in order."""
        heard = self._playhead.heard(now)
        cuts = []
        for item in (*self._sent, *self._waiting):
            part = 0 if item.start is None else max(0, min(heard - item.start, item.sent))
            if part < item.received or not item.complete:
                cuts.append(
                    Cut(item.item_id, part // BYTES_PER_MS, item.received // BYTES_PER_MS, item.complete)
                )
        return cuts

    def interrupt(self, now: float) -> list[Cut]:
        """Drop all that the caller has not heard and return where each item was cut.

        Later audio of these items is refused, and marks of this generation are stale from here on. When
        everything was heard there is nothing to interrupt and nothing changes.
        """
        cuts = self.unheard(now)
        self.paused = False
        if cuts:
            self._waiting.clear()
            self._size = 0
            self._sent.clear()
            self._forget_playing()
            for cut in cuts:
                self._close(cut.item_id)
        return cuts

    def _forget_playing(self) -> None:
        """Take what was sent for cleared: its marks are stale from here on."""
        self._generation += 1
        self._playhead.cut()
        self._marked = self._playhead.sent
        if self._kept is not None:
            self._kept.clear()

    def lose_line(self) -> None:
        """Expect no marks for what was sent: the line that it was sent on is gone."""
        self._sent.clear()
        self._forget_playing()

    # --- pausing

    def pause(self, now: float) -> bool:
        """Take back what was sent and not heard, and send nothing until `resume`; False when all was heard.

        What was sent is to be cleared: marks of this generation are stale from here on.
        """
        assert self._kept is not None, "only a ledger that keeps what it sent can take it back"
        if self.paused or not self.unheard(now):
            return False
        heard = self._playhead.heard(now)
        for item in (*self._sent, *self._waiting):
            self._take_back(item, heard)
        while self._sent:
            item = self._sent.pop()
            if item.queue:
                self._waiting.appendleft(item)
        self._forget_playing()
        for item in self._waiting:
            if item.start is not None:
                item.start = self._playhead.sent - item.sent if item.sent else None
        self.paused = True
        return True

    def _take_back(self, item: _Item, heard: int) -> None:
        """Put the part of the item that was sent and not heard back into its queue."""
        assert self._kept is not None
        if item.start is None:
            return
        begin, end = max(item.start, heard), item.start + item.sent
        kept_from = self._playhead.sent - len(self._kept)
        unheard = self._kept[max(0, begin - kept_from) : max(0, end - kept_from)]
        item.queue[:0] = unheard
        self._size += len(unheard)

    def resume(self) -> None:
        """Go on where it was paused."""
        self.paused = False

    def left_ms(self, now: float) -> int:
        """Return how much of what the model gave so far the caller has not heard."""
        return sum(cut.received_ms - cut.heard_ms for cut in self.unheard(now))

    def _close(self, item_id: str) -> None:
        """Take no more audio for this item."""
        self._closed[item_id] = None
        if len(self._closed) > REMEMBERED_ITEMS:
            del self._closed[next(iter(self._closed))]


def _end(item: _Item) -> int:
    """Return the position behind the item's last byte."""
    return (item.start or 0) + item.received
