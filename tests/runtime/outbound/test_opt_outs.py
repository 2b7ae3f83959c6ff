"""Who says "do not call me again", in calls of no campaign: it is kept before they are told so."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, select

from runtime.store import StoreUnavailableError
from runtime.store.campaign_tables import never_call
from runtime.store.database_thread import DatabaseThread
from tests.runtime.fake_text_model import TOOL
from tests.runtime.office import AGENT, CALLER, Office, open_office
from tests.runtime.outbound.test_dial_desk import PERSON, answered, placed, play, tell
from tests.runtime.virtual_time import run

TALKS = AGENT + "voice: {mode: gather}\ntools: [{builtin: [do_not_call]}]\n"
WORDS = {"SpeechResult": "Never call me again.", "CallStatus": "in-progress"}
NOTED = {"noted": True}


def never_called(folder: Path) -> list[str]:
    engine = create_engine(f"sqlite:///{folder / 'calls.sqlite3'}")
    with engine.connect() as connection:
        numbers = list(connection.scalars(select(never_call.c.number)))
    engine.dispose()
    return numbers


def asked_by_a_caller(folder: Path, caller: str, call_sid: str = "CA1") -> object:
    """Let somebody who calls ask not to be called; return what the record has of it."""

    async def story() -> object:
        async with open_office(folder, TALKS) as office:
            office.text.replies = [f"{TOOL}do_not_call {{}}", "Goodbye."]
            call = {"From": caller, "CallSid": call_sid}
            await office.webhook(**call)
            await office.webhook("/voice/front-desk/turn?n=1", **call, **WORDS)
            await office.webhook("/voice/front-desk/status", **call, CallStatus="completed")
            await office.over()
            (use,) = (await office.record(call_sid))["tools"]
            result: object = use["result"]
            return result

    return run(story())


def test_a_number_is_never_called_again_whoever_placed_the_call(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.replies = [f"{TOOL}do_not_call {{}}", "I have noted that. Goodbye."]
        attempt = await placed(office, variables={})
        await answered(office, attempt)
        assert "I have noted that" in (await tell(office, attempt, "/turn?n=1", **WORDS)).text
        assert never_called(tmp_path) == [PERSON]  # while the call goes on

    play(tmp_path, story, TALKS)


def test_who_calls_us_is_never_called_by_us_either(tmp_path: Path) -> None:
    assert asked_by_a_caller(tmp_path, CALLER) == NOTED
    assert asked_by_a_caller(tmp_path, CALLER, "CA2") == NOTED
    assert never_called(tmp_path) == [CALLER]


def test_a_withheld_number_and_a_database_that_is_away_are_not_called_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "withheld" in str(asked_by_a_caller(tmp_path, "anonymous"))

    async def away(*_arguments: object) -> None:
        raise StoreUnavailableError("away")

    monkeypatch.setattr(DatabaseThread, "change", away)
    assert "not noted" in str(asked_by_a_caller(tmp_path, CALLER, "CA2"))
    assert never_called(tmp_path) == []
