from __future__ import annotations

from collections.abc import Iterator

import pytest

from runtime.outbound.lead_store import LeadStore
from tests.e2e.campaigns.world import stored


@pytest.fixture
def leads(database: str) -> Iterator[LeadStore]:
    """The leads of a new database of each kind."""
    with stored(database) as store:
        yield store
