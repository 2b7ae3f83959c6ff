"""Messages that are too many, too long or too much for our own code: none of that stops the others."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from runtime.call.text.text_events import Shown
from runtime.messages import reading
from runtime.messages.desk import MOST_WORKERS, SWEEP_SECONDS
from runtime.messages.files import MOST_SHOWING
from runtime.messages.voice_notes import Transcribe, Transcript
from runtime.messages.worker import PAUSES_AFTER_CRASHES
from runtime.store import contacts
from tests.runtime.messages.writing import (
    MEDIA,
    MINUTE,
    PERSON,
    WRITING,
    hear,
    play,
    report,
    sent,
    spoken,
    write,
)
from tests.runtime.office import Office, open_office
from tests.runtime.virtual_time import run


def test_a_conversation_that_has_become_too_long_ends_and_the_message_begins_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LONGEST_CONVERSATION", 4)

    async def story(office: Office) -> None:
        for sid in ("SM1", "SM2", "SM3"):
            await write(office, "Hello", sid)
            await asyncio.sleep(5)
        first, second = await office.record("SM1"), await office.record("SM3")
        assert (first["status"], first["end_reason"]) == ("completed", "max_duration")
        assert len(first["transcript"]) == 4
        assert spoken(second) == ["caller: Hello", "agent: Very well."]

    play(tmp_path, story)


def crashing(times: int) -> tuple[Transcribe, list[str]]:
    """What writes voice notes down, with a defect that shows so many times; and what it was asked."""
    asked: list[str] = []

    async def hear_or_crash(name: str, sound: bytes, content_type: str) -> Transcript:
        asked.append(name)
        if len(asked) <= times:
            raise ZeroDivisionError
        return await hear(name, sound, content_type)

    return hear_or_crash, asked


async def speak(office: Office, sid: str) -> None:
    office.twilio.files = {"ME1": httpx2.Response(200, content=b"hello")}
    await write(office, "Hello", sid, NumMedia="1", MediaUrl0=f"{MEDIA}/ME1", MediaContentType0="audio/ogg")


def test_a_turn_that_crashes_is_tried_again_and_not_for_ever(tmp_path: Path) -> None:
    transcribe, asked = crashing(times=100)

    async def story() -> None:
        async with open_office(tmp_path, WRITING, transcribe=transcribe) as office:
            await speak(office, "MM1")
            await asyncio.sleep(2 * MINUTE)
            assert len(asked) == 1 + len(PAUSES_AFTER_CRASHES)
            assert sent(office) == ["Please call again later."]
            said = ["caller: Hello", "agent: Please call again later."]
            assert spoken(await office.record("MM1")) == said
            await write(office, "Hello?", "SM2")
            await asyncio.sleep(5)
            assert sent(office)[1:] == ["Very well."]
            assert spoken(await office.record("MM1")) == [*said, "caller: Hello?", "agent: Very well."]

    run(story())


def test_a_turn_that_crashes_once_is_answered_all_the_same(tmp_path: Path) -> None:
    transcribe, asked = crashing(times=1)

    async def story() -> None:
        async with open_office(tmp_path, WRITING, transcribe=transcribe) as office:
            await speak(office, "MM1")
            await asyncio.sleep(MINUTE)
            assert len(asked) == 2
            assert sent(office) == ["Very well."]

    run(story())


def test_a_record_that_nobody_can_read_costs_its_contact_nothing_but_the_thread(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await write(office, "Hello", "SM1")
        await asyncio.sleep(5)
        with closing(sqlite3.connect(tmp_path / "calls.sqlite3")) as database, database:
            database.execute("UPDATE calls SET record = '{}'")
        await report(office, 0, "read")
        await write(office, "Hello again", "SM2")
        await asyncio.sleep(5)
        assert len(sent(office)) == 2
        assert spoken(await office.record("SM2")) == ["caller: Hello again", "agent: Very well."]

    play(tmp_path, story)


def person(number: int) -> str:
    return f"whatsapp:+1415555{number:04}"


async def show(office: Office, sid: str, who: str = PERSON) -> None:
    await write(office, "", sid, who, NumMedia="1", MediaUrl0=f"{MEDIA}/ME1", MediaContentType0="image/png")


def test_files_of_a_few_contacts_at_a_time_are_in_memory_and_nobody_elses_answer_waits_for_them(
    tmp_path: Path,
) -> None:
    async def story(office: Office) -> None:
        office.twilio.files = {"ME1": httpx2.Response(200, content=b"\x89PNG\r\n\x1a\n")}
        office.text.seconds = 5
        for number in range(2 * MOST_SHOWING):
            await show(office, f"MM{number}", person(number))
        await write(office, "Hello", "SM1", person(100))
        await asyncio.sleep(2)
        assert len(office.text.asks) == MOST_SHOWING + 1
        await asyncio.sleep(20)
        assert len(sent(office)) == 2 * MOST_SHOWING + 1

    play(tmp_path, story)


def test_a_picture_that_comes_behind_its_words_is_answered_with_them_in_every_turn(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.twilio.files = {"ME1": httpx2.Response(200, content=b"\x89PNG\r\n\x1a\n")}
        for number in range(2 * MOST_SHOWING):
            await write(office, "Look", f"SM{number}")
            await asyncio.sleep(0.2)
            await show(office, f"MM{number}")
            await asyncio.sleep(5)
            assert isinstance(office.text.asks[-1].context[-1], Shown)
            assert len(sent(office)) == number + 1

    play(tmp_path, story)


def test_so_many_contacts_are_answered_at_a_time_and_the_others_after_them(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.seconds = 5
        for number in range(MOST_WORKERS + 8):
            await write(office, "Hello", f"SM{number}", person(number))
        await asyncio.sleep(2)
        assert len(office.text.asks) == MOST_WORKERS
        await asyncio.sleep(15)
        assert len(sent(office)) == MOST_WORKERS + 8

    play(tmp_path, story)


def test_a_defect_while_work_is_looked_for_does_not_end_the_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(office: Office) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(contacts, "due", lambda *_: 1 / 0)
            await asyncio.sleep(3 * SWEEP_SECONDS)
        office.text.seconds = 1
        for number in range(MOST_WORKERS + 1):  # of whom the last is found by looking
            await write(office, "Hello", f"SM{number}", person(number))
        await asyncio.sleep(10)
        assert len(sent(office)) == MOST_WORKERS + 1

    play(tmp_path, story)


def test_of_a_flood_of_messages_most_are_answered_together_and_the_rest_dropped(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        office.text.seconds = 3
        for number in range(70):
            await write(office, f"Message {number}", f"SM{number}")
        await asyncio.sleep(60)
        assert 1 <= len(sent(office)) <= 6
        record = await office.record("SM0")
        assert 50 <= str(record["transcript"]).count("Message") <= 70

    play(tmp_path, story)
