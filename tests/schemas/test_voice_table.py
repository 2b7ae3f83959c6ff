"""The table of Twilio's voices: how it is made, and that it is whole."""

from __future__ import annotations

import re

import pytest

from schemas.errors import TmError
from schemas.voices.make import make
from schemas.voices.polly import SPEAKERS
from schemas.voices.table import is_listed, languages_of, voice_in, voice_table

DECLARATIONS = """
    type GatherLanguage = "en-US" | "de-DE";
    type SayLanguage = "en-US";
    type SayVoice = "man" | "Google.fil-ph-Neural2-A" | "Polly.Mía-Generative" | "Polly.Aditi";
"""


def test_the_table_is_made_of_what_twilio_declares() -> None:
    assert make("twilio@1.0.0", DECLARATIONS, "2026-01-02") == {
        "as_of": "2026-01-02",
        "package": "twilio@1.0.0",
        "heard": ["de-DE", "en-US"],
        "voices": {
            "Google": {"fil-PH": ["fil-ph-Neural2-A"]},
            "Polly": {"en-IN": ["Aditi"], "es-MX": ["Mía-Generative"], "hi-IN": ["Aditi"]},
        },
    }


def test_a_voice_whose_language_stands_nowhere_is_named() -> None:
    with pytest.raises(TmError, match=r"which language does Polly\.Nemo speak\?"):
        make("twilio@1.0.0", DECLARATIONS.replace("Aditi", "Nemo"), "2026-01-02")


def test_declarations_of_another_form_are_refused() -> None:
    with pytest.raises(TmError, match="there is no type SayVoice"):
        make("twilio@1.0.0", "type GatherLanguage = 'en-US';", "2026-01-02")


def test_the_table_has_all_voices_each_with_its_language() -> None:
    table = voice_table()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", table.as_of)
    assert {"en-US", "de-DE", "cmn-Hans-CN"} <= table.heard
    assert len(table.languages) > 800
    assert all(languages_of(voice) for voice in table.languages)
    assert is_listed("Polly.Salli")
    assert languages_of("Google.cmn-TW-Wavenet-A") == ("cmn-TW",)


def test_the_language_of_a_google_voice_that_is_new_stands_in_its_name() -> None:
    assert languages_of("Google.sw-KE-Chirp9-A") == ("sw-KE",)
    assert languages_of("Google.Kore") == languages_of("Polly.Nemo") == languages_of("alice") == ()


@pytest.mark.parametrize(
    ("language", "own", "voice"),
    [
        ("de-DE", "Polly.Joanna-Neural", "Polly.Daniel-Neural"),
        ("hi-IN", "Polly.Aditi", "Polly.Aditi"),
        ("fr-FR", "Google.en-US-Wavenet-A", "Google.fr-FR-Wavenet-A"),
        ("bg-BG", "Polly.Joanna", "Google.bg-BG-Standard-A"),  # Polly speaks no Bulgarian.
        ("sv-SE", "ElevenLabs.UgBBYS2sOqTuMpoF3BR0", "ElevenLabs.UgBBYS2sOqTuMpoF3BR0"),
        ("mn-MN", "Polly.Joanna", None),
    ],
)
def test_a_language_without_a_voice_gets_one_like_the_agents_own(
    language: str, own: str, voice: str | None
) -> None:
    assert voice_in(language, own) == voice


def test_no_speaker_stands_twice_for_a_language() -> None:
    for speakers in SPEAKERS.values():
        assert len(set(speakers.split())) == len(speakers.split())
