"""Which processes run workflows on one PostgreSQL database, by whose clock."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from runtime.outbound.processes import Processes
from runtime.store.database import migrate, open_engine
from tests.postgres import PostgresServer

DEAD_AFTER_SECONDS = 20.0


@pytest.fixture
def engine(postgres: PostgresServer) -> Iterator[Engine]:
    made = open_engine(postgres.new_database())
    migrate(made)
    yield made
    made.dispose()


def test_a_process_whose_clock_is_ahead_takes_nobody_living_for_dead(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    Processes(engine, "right", DEAD_AFTER_SECONDS).beat()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 60)
    assert list(Processes(engine, "ahead", DEAD_AFTER_SECONDS).beat()) == []


def test_who_has_fallen_silent_or_left_is_told_until_the_others_have_forgotten_it(engine: Engine) -> None:
    silent, left, here = (Processes(engine, name, DEAD_AFTER_SECONDS) for name in ("silent", "left", "here"))
    left.beat()
    left.leave()
    assert list(here.beat()) == ["left"]
    here.forget(["left"])
    silent.beat()
    assert list(here.beat()) == []
    assert list(Processes(engine, "here", dead_after_s=-1).beat()) == ["silent"]
