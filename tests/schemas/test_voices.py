"""Voices, recognisers, languages and hints of agents whose words Twilio speaks and hears."""

from __future__ import annotations

import pytest

from schemas.voice import Voice
from tests.schemas.fleets import Folder, agent

ELEVENLABS = "name: ElevenLabs.UgBBYS2sOqTuMpoF3BR0"


def said(folder: Folder, voice: str) -> list[str]:
    """Return what is said about a voice, without the file and the line."""
    folder.write(agent(f"voice: {{{voice}}}"))
    return [line.removeprefix("fleet.yaml:4:") for line in folder.findings()]


def voice_of(folder: Folder) -> Voice:
    """Return the voice of the agent that is declared."""
    return folder.fleet().agents["front-desk"].voice


@pytest.mark.parametrize("mode", ["relay", "gather"])
def test_the_recogniser_is_told_what_callers_are_likely_to_say(folder: Folder, mode: str) -> None:
    folder.write(agent(f"voice: {{mode: {mode}, hints: [Harbour Bistro, bouillabaisse]}}"))
    assert voice_of(folder).hints == ("Harbour Bistro", "bouillabaisse")
    folder.write(agent(f"voice: {{mode: {mode}, hints: bouillabaisse}}"))
    assert voice_of(folder).hints == ("bouillabaisse",)


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        ("[a, 'fish, chips']", "34 TM023 a hint has no comma, which would make two of it"),
        (f"[{'x' * 101}]", "31 TM023 expected at most 100 characters, got 101"),
        (f"[{', '.join('x' * 501)}]", "30 TM023 expected at most 500 entries, got 501"),
    ],
)
def test_a_hint_that_twilio_would_not_take_is_refused(folder: Folder, hints: str, expected: str) -> None:
    (finding,) = said(folder, f"mode: gather, hints: {hints}")
    assert finding.startswith(expected)


def test_an_agent_has_further_languages_with_their_own_voice_and_recogniser(folder: Folder) -> None:
    de = "{name: Polly.Vicki-Neural, speech_model: deepgram_nova-3-general}"
    folder.write(agent(f"voice: {{mode: relay, language: en-US, languages: {{de-DE: {de}, fr-FR: {{}}}}}}"))
    languages = voice_of(folder).languages
    assert languages["de-DE"].name == "Polly.Vicki-Neural"
    assert languages["de-DE"].speech_model == "deepgram_nova-3-general"
    assert (languages["fr-FR"].name, languages["fr-FR"].speech_model) == (None, None)


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        ("{de: {}}", "55 TM023 languages are further ones, with their country, such as de-DE; got de"),
        ("{en-US: {}}", "58 TM023 languages are further ones, with their country, such as de-DE; got en-US"),
        ("{multi: {}}", "58 TM023 languages are further ones"),
        ("{german: {}}", "59 TM023 expected a language such as en or de-DE"),
        ("{de-DE: Polly.Vicki}", '58 TM022 expected a mapping, got text "Polly.Vicki"'),
        ("{de-DE: {name: Vicki}}", "65 TM023 voice mode relay needs a voice such as Polly.NAME"),
        ("{de-DE: {speech_model: default}}", "73 TM023 voice mode relay needs a recogniser such as"),
        ("{de-DE: {nmae: Vicki}}", '59 TM020 unknown key "nmae"; did you mean "name"?'),
    ],
)
def test_a_further_language_is_checked_like_the_first(folder: Folder, languages: str, expected: str) -> None:
    (finding,) = said(folder, f"mode: relay, language: en-US, languages: {languages}")
    assert finding.startswith(expected), finding


@pytest.mark.parametrize(
    ("voice", "expected"),
    [
        ("hints: [a]", "16 TM023 hints are for text models, in the voice modes relay and gather"),
        ("languages: {de-DE: {}}", "20 TM023 languages are for text models"),
        ("language: multi", "19 TM023 language multi is for voice mode relay"),
        ("mode: gather, languages: {de-DE: {}}", "34 TM023 languages are for voice mode relay"),
        ("mode: gather, language: multi", "33 TM023 language multi is for voice mode relay"),
    ],
)
def test_what_a_mode_cannot_do_is_refused(folder: Folder, voice: str, expected: str) -> None:
    (finding,) = said(folder, voice)
    assert finding.startswith(expected)


def test_relay_finds_the_language_out_where_both_sides_can(folder: Folder) -> None:
    able = f"mode: relay, language: multi, {ELEVENLABS}, speech_model: deepgram_nova-3-general"
    assert said(folder, able) == []
    (finding,) = said(folder, f"mode: relay, language: multi, {ELEVENLABS}")
    assert finding.startswith("32 TM023 language multi needs a voice of ElevenLabs and the recogniser")
