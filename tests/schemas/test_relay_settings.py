"""The settings of ConversationRelay: which voices, recognisers and modes they go with."""

from __future__ import annotations

import pytest

from tests.schemas.fleets import Folder, agent


def said(folder: Folder, voice: str) -> list[str]:
    """Return what is said about a voice, without the place."""
    folder.write(agent(f"voice: {{{voice}}}"))
    return [line.split(" ", 1)[1] for line in folder.findings()]


@pytest.mark.parametrize(
    "voice",
    [
        "mode: relay, relay: {interrupt_by: speech, interrupt_sensitivity: low, ignore_backchannel: true}",
        "mode: relay, relay: {speech_timeout_ms: 900, profanity_filter: false}",
        "mode: relay, speech_model: deepgram_nova-3-general, relay: {smart_format: false}",
        "mode: relay, interrupt: never, relay: {background_noise_reduction: true}",
    ],
)
def test_settings_that_go_with_the_voice_are_taken(folder: Folder, voice: str) -> None:
    assert said(folder, voice) == []


@pytest.mark.parametrize(
    ("voice", "expected"),
    [
        ("mode: gather, relay: {profanity_filter: true}", "relay is for voice mode relay; gather has none"),
        ("mode: realtime, relay: {}", "relay is for voice mode relay; realtime has none"),
        ("mode: relay, relay: {smart_format: true}", "smart_format is a setting of a recogniser of Deepgram"),
        (
            "mode: relay, speech_model: deepgram_nova-3-general, relay: {eot_threshold: 0.5}",
            "eot_threshold is a setting of Deepgram's recogniser flux",
        ),
        (
            "mode: relay, relay: {text_normalization: auto}",
            "text_normalization is a setting of a voice of ElevenLabs",
        ),
        (
            "mode: relay, interrupt: never, relay: {interrupt_sensitivity: low}",
            "interrupt_sensitivity means nothing where interrupt is never",
        ),
    ],
)
def test_a_setting_that_would_mean_nothing_is_refused(folder: Folder, voice: str, expected: str) -> None:
    assert said(folder, voice) == [f"TM023 {expected}"]
