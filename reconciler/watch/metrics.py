"""The figures of the reconcile loop, in Prometheus's text form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class WatchMetrics:
    """Counters since the start, and how things stood at the last check that succeeded."""

    checks: int = 0
    failures: int = 0
    drift: int = 0
    conflicts: int = 0
    announced: int = 0
    healed: int = 0
    not_healed: int = 0
    undelivered: int = 0
    last_check: datetime | None = None

    def text(self) -> str:
        """Return the exposition format."""
        last = self.last_check.timestamp() if self.last_check else 0
        rows = (
            ("tm_reconcile_drift", "gauge", "Numbers that differ from what was applied to them.", self.drift),
            ("tm_reconcile_conflicts", "gauge", "Those of them whose file changed as well.", self.conflicts),
            ("tm_reconcile_checks_total", "counter", "Checks that succeeded.", self.checks),
            ("tm_reconcile_check_failures_total", "counter", "Checks that failed.", self.failures),
            ("tm_reconcile_announced_total", "counter", "Drifts that were announced.", self.announced),
            ("tm_reconcile_healed_total", "counter", "Drifts that were put right.", self.healed),
            ("tm_reconcile_heal_failures_total", "counter", "Drifts that could not be.", self.not_healed),
            ("tm_reconcile_webhook_failures_total", "counter", "Messages not taken.", self.undelivered),
            ("tm_reconcile_last_check_timestamp_seconds", "gauge", "Time of the last check.", last),
        )
        return "".join(
            f"# HELP {name} {told}\n# TYPE {name} {kind}\n{name} {value}\n"
            for name, kind, told, value in rows
        )
