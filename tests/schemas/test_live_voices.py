"""What may be declared of an agent whose model is GPT-Live."""

from __future__ import annotations

import pytest

from schemas.voice import DEFAULT_DELEGATE
from tests.schemas.fleets import Folder, agent


def said(folder: Folder, voice: str) -> list[str]:
    """Return what is said about a voice, without the file and the line."""
    folder.write(agent(f"voice: {{{voice}}}"))
    return [line.removeprefix("fleet.yaml:4:") for line in folder.findings()]


def test_a_voice_that_only_gpt_live_has_is_taken_and_tools_have_a_model(folder: Folder) -> None:
    assert said(folder, "model: gpt-live-1, name: vesper") == []
    assert folder.fleet().agents["front-desk"].voice.delegate == DEFAULT_DELEGATE


@pytest.mark.parametrize(
    ("voice", "wrong"),
    [
        ("name: vespre", 'there is no GPT-Live voice "vespre"; did you mean "vesper"?'),
        ("speed: 1.2", "speed is for Realtime models; gpt-live-1 decides that by itself"),
        ("language: en", "language is for Realtime models; gpt-live-1 decides that by itself"),
        ("interrupt: never", "gpt-live-1 can always be interrupted: it decides by itself when to listen"),
        (
            "turn_detection: {type: semantic_vad}",
            "turn_detection is for Realtime models; gpt-live-1 decides that by itself",
        ),
        ("delegate: gpt-5", "gpt-5 is shut down on 2026-12-11, by OpenAI's list as of 2026-11-20"),
    ],
)
def test_what_gpt_live_decides_by_itself_cannot_be_declared(folder: Folder, voice: str, wrong: str) -> None:
    (finding,) = said(folder, f"model: gpt-live-1, {voice}")
    assert finding.partition(" ")[2].partition(" ")[2] == wrong


@pytest.mark.parametrize("voice", ["model: gpt-realtime-2.1", "mode: gather"])
def test_only_gpt_live_delegates(folder: Folder, voice: str) -> None:
    (finding,) = said(folder, f"{voice}, delegate: gpt-6-luna")
    assert "TM023 delegate is for GPT-Live" in finding
