"""An account in memory with a record per region, and routes, for numbers that move."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.resource.live import LiveNumber
from tests.reconciler.numbers import MemoryAccount

REGIONS = ("us1", "ie1", "au1")


@dataclass
class MemoryRegions:
    """The account port of every region; numbers that are not in `routes` answer in us1."""

    routes: dict[str, str] = field(default_factory=dict)
    regions: dict[str, MemoryAccount] = field(init=False)

    def __post_init__(self) -> None:
        self.regions = {region: MemoryAccount(routes=self.routes) for region in REGIONS}

    @classmethod
    def of(cls, *records: LiveNumber, routes: dict[str, str] | None = None) -> MemoryRegions:
        account = cls(dict(routes or {}))
        for record in records:
            account.regions[record.region].numbers[record.sid] = record
        return account

    def __call__(self, account: str, region: str) -> MemoryAccount:
        return self.regions[region]

    @property
    def writes(self) -> int:
        return sum(len(account.writes) for account in self.regions.values())

    def live(self) -> list[LiveNumber]:
        """Every record, with where its number's calls are routed."""
        routed = []
        for region in self.regions.values():
            for record in region.numbers.values():
                answering = self.routes.get(record.number, "us1")
                routed.append(record.routed(answering, self.regions[answering].numbers.get(record.sid)))
        return routed
