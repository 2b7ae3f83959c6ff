"""Every test is held against Twilio's published documents: one that breaks them fails."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.openapi.watch import watching
from tests.postgres import PostgresServer, running_postgres

BREAKS = "breaks_twilios_documents"

# They need an environment of their own: make witnesses.
collect_ignore = ["witnesses"]


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and let property tests try the same examples on every run of a pipeline.

    Elsewhere they go on looking for new ones. How long an example takes on a machine that has other work to
    do is no law.
    """
    settings.register_profile("pipeline", derandomize=True, deadline=None)
    settings.register_profile("elsewhere", deadline=None)
    settings.load_profile("pipeline" if os.environ.get("CI") else "elsewhere")
    config.addinivalue_line(
        "markers", f"{BREAKS}(*parts): violations with these parts are the test's purpose"
    )


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this run's own; each test takes a new database from it."""
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'calls.sqlite3'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Run a test and, when it has passed, look at what it sent to and got from Twilio's API."""
    allowed = [part for marker in item.iter_markers(BREAKS) for part in marker.args]
    with watching(*allowed) as watch:
        yield
    report = watch.report()
    if report:
        pytest.fail(f"Twilio's published documents do not allow this:\n{report}", pytrace=False)
