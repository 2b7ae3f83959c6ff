"""Faults of the REST API, ordered by a test or by a flag of `tm sandbox`."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sandbox.account.numbers import PhoneNumber


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happens to one request instead of, or after, being served.

    `answer` is a status to answer with; `drop` breaks the connection, before the request had its
    effect or after it (the write is done, the answer is lost).
    """

    kind: Literal["answer", "drop_before", "drop_after"]
    status: int = 0
    retry_after: str | None = None


@dataclass(slots=True)
class _Order:
    trouble: Trouble
    left: int
    number: str | None
    method: str | None


@dataclass(slots=True)
class Faults:
    """The faults in force.

    `latency_ms` delays each answer; `error_rate` (0 to 1) fails that share of requests with 503;
    `failing_numbers` fails each update of a number with a status; `max_concurrency` answers
    429/20429 to what is above it; `before_update` is called with the record right before an update
    is applied to it: the place for another writer between a client's read and its write.
    `before_change` is the same for every record that can be changed, by SID.

    Where a fault is for one `number`, that is an E.164 number or the SID of any record.
    """

    latency_ms: float = 0
    error_rate: float = 0
    failing_numbers: dict[str, int] = field(default_factory=dict)
    max_concurrency: int | None = None
    before_update: Callable[[PhoneNumber], None] | None = None
    before_change: Callable[[str], None] | None = None
    seed: int = 0
    _orders: list[_Order] = field(default_factory=list)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - faults must be repeatable, not secret

    def answer_next(
        self,
        times: int,
        status: int,
        *,
        number: str | None = None,
        method: str | None = None,
        retry_after: str | None = None,
    ) -> None:
        """Answer the next `times` requests with `status`: all of them, or those for a number or method."""
        self._orders.append(_Order(Trouble("answer", status, retry_after), times, number, method))

    def drop_next(
        self, times: int, *, number: str | None = None, method: str | None = None, applied: bool = False
    ) -> None:
        """Break the connection of the next `times` requests; `applied` says that they take effect first."""
        trouble = Trouble("drop_after" if applied else "drop_before")
        self._orders.append(_Order(trouble, times, number, method))

    def strike(self, method: str, named: frozenset[str], concurrency: int) -> Trouble | None:
        """Decide the fate of one request; `named` are the number and the SID of the record in its path."""
        if self.max_concurrency is not None and concurrency > self.max_concurrency:
            return Trouble("answer", 429)
        if method == "POST" and (failing := named & self.failing_numbers.keys()):
            return Trouble("answer", self.failing_numbers[min(failing)])
        for order in self._orders:
            if (
                order.left
                and (order.number is None or order.number in named)
                and order.method in {None, method}
            ):
                order.left -= 1
                return order.trouble
        if self.error_rate and self._random.random() < self.error_rate:
            return Trouble("answer", 503)
        return None
