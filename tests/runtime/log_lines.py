"""What the runtime logged, as `event key=value …`."""

from __future__ import annotations

import pytest

# What stands on every line and says nothing about what happened.
_EVERYWHERE = frozenset({"event", "level", "timestamp", "exc_info"})


def log_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines of our own loggers, the fields in the order of their names."""
    return [_line(record.msg) for record in caplog.records if isinstance(record.msg, dict)]


def _line(fields: dict[str, object]) -> str:
    shown = (f"{name}={fields[name]}" for name in sorted(fields) if name not in _EVERYWHERE)
    return " ".join((str(fields["event"]), *shown))
