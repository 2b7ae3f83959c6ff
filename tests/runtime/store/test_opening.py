"""Opening a database: its tables, and addresses that lead nowhere."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event

import runtime.store
from runtime.store import CallStore
from runtime.store.database import DatabaseError, migrate, open_engine
from runtime.store.history import History
from runtime.store.tables import metadata


def test_the_migrations_make_the_tables_that_the_code_uses(database: str) -> None:
    engine = open_engine(database)
    migrate(engine)
    migrate(engine)
    for module in pkgutil.iter_modules(runtime.store.__path__, f"{runtime.store.__name__}."):
        importlib.import_module(module.name)  # some declare tables of their own
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_what_a_url_says_about_the_connection_goes_before_the_defaults() -> None:
    given: dict[str, object] = {}

    def look(_dialect: object, _entry: object, _arguments: object, parameters: dict[str, object]) -> None:
        given.update(parameters)
        raise ConnectionRefusedError

    engine = open_engine("postgresql://tm@db.example/tm?connect_timeout=3&sslmode=require")
    event.listen(engine, "do_connect", look)
    with pytest.raises(ConnectionRefusedError):
        engine.connect()
    assert (given["connect_timeout"], given["sslmode"], given["keepalives_idle"]) == ("3", "require", "5")


@pytest.mark.parametrize(
    "wrong",
    [
        *("nonsense", "oracle9://x", "sqlite:////dev/null/calls.db", "sqlite:///x?timeout=abc"),
        *("postgresql+nodriver://u:pw@h/db", "postgresql://u:pw@h:notaport/db"),
    ],
)
def test_an_unusable_database_is_an_error_for_people_without_its_password(wrong: str) -> None:
    with pytest.raises(DatabaseError) as error:
        engine = open_engine(wrong)
        migrate(engine)
    assert "pw" not in str(error.value)


def test_nodes_that_start_together_on_a_new_database_all_start(database: str) -> None:
    async def start(name: str) -> None:
        store = CallStore(database, node=name)
        await store.open()
        await store.close()

    async def together() -> None:
        await asyncio.gather(*(start(f"node-{number}") for number in range(4)))

    asyncio.run(together())
    assert History(database).newest(None, 1).records == ()
