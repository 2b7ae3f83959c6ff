"""Voices, recognisers, languages and hints of agents whose words Twilio speaks and hears."""

from __future__ import annotations

import pytest

from schemas.voice import Voice
from schemas.voices.table import voice_table
from tests.schemas.fleets import Folder, agent

ELEVENLABS = "name: ElevenLabs.UgBBYS2sOqTuMpoF3BR0"


def said(folder: Folder, voice: str) -> list[str]:
    """Return what is said about a voice, without the file and the line."""
    folder.write(agent(f"voice: {{{voice}}}"))
    return [line.removeprefix("fleet.yaml:4:") for line in folder.findings()]


def warned(folder: Folder, voice: str) -> list[str]:
    """Return what is said about a voice, all of which must be warnings."""
    found = said(folder, voice)
    assert {diagnostic.severity for diagnostic in folder.load().diagnostics} <= {"warning"}
    return found


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
        ('["fish\\u0007"]', "31 TM023 a hint has no control characters"),
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
        (
            "{de_de: {}}",
            '58 TM023 expected a language such as en or de-DE, got text "de_de"; did you mean de-DE?',
        ),
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


@pytest.mark.parametrize(
    ("voice", "place", "what", "meant"),
    [
        ("mode: gather, name: Polly.Viki", "29", 'voice "Polly.Viki"', "Polly.Vicki"),
        (
            "mode: relay, language: de-DE, name: Google.de-DE-Neural2-Z",
            "45",
            'voice "Google.de-DE-Neural2-Z"',
            "Google.de-DE-Neural2-H",
        ),
        (
            "mode: relay, speech_model: googlev2_telefony",
            "36",
            'recogniser "googlev2_telefony"',
            "googlev2_telephony",
        ),
        ("mode: gather, language: en-UK", "33", 'language "en-UK"', "en-US"),
        ("mode: relay, languages: {de-DE: {name: Polly.Viki}}", "48", 'voice "Polly.Viki"', "Polly.Vicki"),
    ],
)
def test_a_name_that_twilio_may_have_since_is_a_warning(
    folder: Folder, voice: str, place: str, what: str, meant: str
) -> None:
    message = f'Twilio has no {what} as of {voice_table().as_of}; did you mean "{meant}"?'
    assert warned(folder, voice) == [f"{place} TM092 {message}"]


@pytest.mark.parametrize(
    ("voice", "expected"),
    [
        (
            "mode: gather, name: Vicki",
            "29 TM023 Twilio's <Say> needs a voice such as Polly.NAME or Google.NAME",
        ),
        (
            f"mode: gather, {ELEVENLABS}",
            "29 TM023 Twilio's <Say> needs a voice such as Polly.NAME or Google.NAME",
        ),
        (
            "mode: relay, name: alice",
            "28 TM023 voice mode relay needs a voice such as Polly.NAME, Google.NAME or",
        ),
        (
            "mode: gather, speech_model: phonecall",
            "37 TM023 voice mode gather needs a recogniser: default, numbers_and_commands, phone_call,",
        ),
        ("speech_model: default", "23 TM023 speech_model is for text models"),
    ],
)
def test_a_provider_that_a_mode_does_not_have_is_an_error(folder: Folder, voice: str, expected: str) -> None:
    (finding,) = said(folder, voice)
    assert finding.startswith(expected)


@pytest.mark.parametrize(
    "voice",
    [
        "mode: gather, name: alice, language: de-DE",
        "mode: gather, speech_model: phone_call",
        f"mode: relay, {ELEVENLABS}, language: sv-SE, speech_model: deepgram_nova-3-general",
        "mode: relay, name: Google.en-US-Journey-O",
        "mode: relay, name: '${env:VOICE:-Polly.Salli}', speech_model: '${env:MODEL:-googlev2_long}'",
    ],
)
def test_what_twilio_has_is_worth_no_word(folder: Folder, voice: str) -> None:
    assert said(folder, voice) == []


def test_a_voice_without_its_provider_is_recognised(folder: Folder) -> None:
    (finding,) = said(folder, "mode: relay, name: Vicki-Neural")
    assert finding.endswith('got "Vicki-Neural"; did you mean "Polly.Vicki-Neural"?')


@pytest.mark.parametrize(
    "voice",
    [
        "mode: relay, language: de-DE, name: '${env:NO}'",
        "mode: relay, name: Polly.Vicki, language: '${env:NO}', languages: {en-US: {}}",
        "mode: relay, language: multi, name: '${env:NO}', speech_model: deepgram_nova-3-general",
        "mode: relay, languages: {de-DE: {name: '${env:NO}'}}",
        "mode: '${env:NO}', name: Polly.Salli",
    ],
)
def test_nothing_is_said_of_what_depends_on_a_variable_that_is_not_here(folder: Folder, voice: str) -> None:
    folder.write(agent(f"voice: {{{voice}}}"))
    (finding,) = folder.findings(offline=True)
    assert "TM030" in finding


@pytest.mark.parametrize(
    ("voice", "place", "name", "speaks", "advice"),
    [
        (
            "language: de-DE",
            "32",
            "Polly.Salli",
            "en-US",
            "the language is de-DE; a voice for it is Polly.Hans",
        ),
        (
            "language: fr-FR, name: Polly.Joanna-Neural",
            "32",
            "Polly.Joanna-Neural",
            "en-US",
            "the language is fr-FR; a voice for it is Polly.Lea-Neural",
        ),
        (
            "name: Polly.Aditi",
            "28",
            "Polly.Aditi",
            "en-IN and hi-IN",
            "callers are heard in en-US; say voice.language",
        ),
        (
            "languages: {de-DE: {name: Google.en-GB-Neural2-A}}",
            "41",
            "Google.en-GB-Neural2-A",
            "en-GB",
            "the language is de-DE; a voice for it is Google.de-DE-Neural2-A",
        ),
    ],
)
def test_a_voice_that_speaks_another_language_than_the_agent_is_noticed(
    folder: Folder, voice: str, place: str, name: str, speaks: str, advice: str
) -> None:
    found = warned(folder, f"mode: relay, {voice}")
    assert found == [f"{place} TM093 {name} speaks {speaks}, and {advice}"]


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("hi-IN", "Polly.Aditi"),
        ("cmn-Hans-CN", "Polly.Zhiyu"),
        ("zh-HK", "Google.yue-HK-Standard-A"),
        ("ar-EG", "Polly.Zeina"),
        ("fil-PH", "Google.fil-ph-Neural2-A"),
        ("es-AR", "Polly.Lupe-Neural"),  # No voice speaks es-AR: Spanish of another country is the nearest.
    ],
)
def test_a_voice_is_known_to_go_with_a_language_of_another_name(
    folder: Folder, language: str, name: str
) -> None:
    assert said(folder, f"mode: gather, language: {language}, name: {name}") == []


@pytest.mark.parametrize("hold", ["hold: {strategy: text, text: Hi, voice: %s}", "kind"])
def test_the_voice_of_a_hold_is_checked_in_every_mode(folder: Folder, hold: str) -> None:
    document = "kind: Hold\nname: wait\nstrategy: text\ntext: Hi\nvoice: %s\n"
    text = document if hold == "kind" else agent(hold)
    folder.write(text % "Polly.Joana")
    (finding,) = folder.findings()
    assert finding.endswith(f'as of {voice_table().as_of}; did you mean "Polly.Joanna"?')
    folder.write(text % "marin")
    (finding,) = folder.findings()
    assert " TM023 Twilio's <Say> needs a voice" in finding
