"""When models are shut down, by OpenAI's own account: one dated list.

A model that is not on it has no published date, or is somebody else's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

LIST_AS_OF: Final = date(2026, 11, 20)

# OpenAI: deprecations. The names of dated snapshots are those that stand there.
SHUTDOWNS: Final[Mapping[str, date]] = {
    "gpt-realtime": date(2027, 1, 20),
    "gpt-realtime-2025-08-28": date(2027, 1, 20),
    "gpt-realtime-mini": date(2027, 1, 20),
    "gpt-5": date(2026, 12, 11),
    "gpt-5-mini": date(2026, 12, 11),
    "gpt-5-nano": date(2026, 12, 11),
    "gpt-4o": date(2027, 1, 14),
    "gpt-4o-mini": date(2027, 1, 14),
    "gpt-4.1": date(2027, 1, 14),
    "gpt-4.1-mini": date(2027, 1, 14),
    "gpt-4.1-nano": date(2027, 1, 14),
}
# Of these families, every name that begins so: gpt-4o-2024-08-06 ends with gpt-4o.
_FAMILIES: Final = ("gpt-4o", "gpt-4.1")


def shutdown_of(model: str) -> date | None:
    """Return the day from which a model is not there any more, None when none has been published."""
    if model in SHUTDOWNS:
        return SHUTDOWNS[model]
    family = next((family for family in _FAMILIES if model.startswith(f"{family}-")), None)
    return None if family is None else SHUTDOWNS[family]
