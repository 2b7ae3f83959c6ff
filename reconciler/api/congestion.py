"""How many requests an account takes at once, learned from its answers; without a clock and without waiting.

Twilio: the limit is the number of concurrent requests of an account. It is published nowhere and differs
between accounts, so it is felt for: one request more per round trip while answers come, half as many after
a 429. Each answer names in `Twilio-Concurrent-Requests` how many were under way, those of other programs
included; the number that was refused is remembered for a while and not reached again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST_LIMIT = 8
HIGHEST_LIMIT = 64
"""Where the limit starts, and where it ends when nothing else ends it."""

REMEMBERED_SECONDS = 30.0
"""How long a refused concurrency is believed in before it is tried again."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it left: when (seconds of any clock), and how many of ours were then under way with it."""

    at: float
    under_way: int


@dataclass(slots=True)
class Congestion:
    """What is known of one account. `most` caps the limit from outside (`--max-concurrency`)."""

    most: int = HIGHEST_LIMIT
    limit: int = field(init=False)
    """How many requests may be under way now: at least 1, at most `most`."""
    _answers: int = field(default=0, init=False)
    _cut_at: float = field(default=float("-inf"), init=False)
    _refused: int | None = field(default=None, init=False)
    _refused_at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.limit = min(FIRST_LIMIT, self.most)

    def answered(self, sent: Sent, now: float, concurrent: int | None) -> None:
        """Learn from an answer that is no 429; `concurrent` is what its header said.

        The limit grows only where it was used up: an idle account says nothing about a busy one.
        """
        if self._refused is not None and now - self._refused_at > REMEMBERED_SECONDS:
            self._refused = None
        load = max(sent.under_way, concurrent or 0)
        if sent.under_way < self.limit or (self._refused is not None and load + 1 >= self._refused):
            return
        self._answers += 1
        if self._answers >= self.limit:
            self.limit = min(self.most, self.limit + 1)
            self._answers = 0

    def refused(self, sent: Sent, now: float, concurrent: int | None) -> None:
        """Learn from a 429: half as many, once per round trip.

        What was sent before the last cut met the same congestion, and cuts nothing again.
        """
        self._refused = max(2, concurrent or sent.under_way)
        self._refused_at = now
        if sent.at > self._cut_at:
            self.limit = max(1, self.limit // 2)
            self._answers = 0
            self._cut_at = now
