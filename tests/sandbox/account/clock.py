"""A clock that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sandbox import Account

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class Time:
    """The account's time: it stands still until `forward`."""

    def __init__(self, account: Account) -> None:
        self.now = START
        account.clock = lambda: self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
