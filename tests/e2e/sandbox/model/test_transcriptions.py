"""Recordings that are written down, with OpenAI's client."""

from __future__ import annotations

import pytest
from openai import APIStatusError, AsyncOpenAI, BadRequestError
from openai.types.audio import Transcription
from pydantic import TypeAdapter

from sandbox.model import RealtimeServer
from sandbox.model.text import Deny
from sandbox.speech import clip
from sandbox.speech.ulaw import silence, to_wav
from tests.e2e.sandbox.model.office import with_client
from tests.sandbox.model.text_oracle import judge

NOTE = silence(300) + clip("caller-menu").ulaw + silence(300)


def test_a_voice_note_is_written_down_whatever_holds_it() -> None:
    server = RealtimeServer()

    async def story(client: AsyncOpenAI) -> None:
        for name, sound in (("note.ogg", NOTE), ("note.wav", to_wav(NOTE))):
            written = await client.audio.transcriptions.create(model="gpt-transcribe", file=(name, sound))
            judge(TypeAdapter(Transcription), written.to_dict())
            assert written.text == clip("caller-menu").text

    with_client(server, story)
    assert [note.name for note in server.notes] == ["note.ogg", "note.wav"]


def test_sounds_without_words_are_an_empty_text() -> None:
    async def story(client: AsyncOpenAI) -> None:
        written = await client.audio.transcriptions.create(model="gpt-transcribe", file=("a.ogg", b"OggS"))
        assert written.text == ""

    with_client(RealtimeServer(), story)


def test_files_that_are_no_recordings_are_refused_and_faults_happen_here_too() -> None:
    server = RealtimeServer()
    server.text_faults.append(Deny(429))

    async def story(client: AsyncOpenAI) -> None:
        with pytest.raises(APIStatusError, match="429"):
            await client.audio.transcriptions.create(model="gpt-transcribe", file=("a.ogg", b"OggS"))
        with pytest.raises(BadRequestError, match="Invalid file format"):
            await client.audio.transcriptions.create(model="gpt-transcribe", file=("menu.pdf", b"%PDF"))

    with_client(server, story)
