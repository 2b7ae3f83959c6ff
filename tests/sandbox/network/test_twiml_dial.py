"""Documents that dial, gather and record, with Twilio's defaults."""

from __future__ import annotations

import pytest

from sandbox.network.twiml import parse_twiml
from sandbox.network.verbs import (
    Callback,
    Conference,
    Dial,
    Gather,
    Hangup,
    Number,
    Pause,
    Play,
    PlayDigits,
    Record,
    Say,
    StartRecording,
    Verb,
)


def _only(markup: str) -> Verb:
    document = parse_twiml(f"<Response>{markup}</Response>")
    assert document.warnings == ()
    (verb,) = document.verbs
    return verb


def test_a_gather_has_its_prompts_and_twilios_defaults() -> None:
    assert _only("<Gather/>") == Gather(timeout_s=5, finish_on_key="#", takes_speech=False)
    gather = _only(
        '<Gather input="dtmf speech" numDigits="4" finishOnKey="" timeout="3" speechTimeout="auto">'
        "<Say>Hello</Say><Play>/a.wav</Play><Pause/></Gather>"
    )
    assert isinstance(gather, Gather)
    assert gather.prompts == (Say("Hello"), Play("/a.wav"), Pause())
    assert (gather.takes_digits, gather.takes_speech, gather.num_digits) == (True, True, 4)
    assert (gather.finish_on_key, gather.timeout_s, gather.speech_timeout_s) == ("", 3, 1)


def test_a_dial_names_numbers_plainly_or_with_what_they_hear() -> None:
    assert _only("<Dial>+14155550177</Dial>") == Dial(numbers=(Number("+14155550177"),))
    dial = _only(
        '<Dial answerOnBridge="true" timeLimit="60"><Number url="/brief" statusCallback="/progress" '
        'statusCallbackEvent="ringing completed">+14155550177</Number><Number>+14155550178</Number></Dial>'
    )
    assert isinstance(dial, Dial)
    first, second = dial.numbers
    assert first.callback == Callback("/progress", "POST", ("ringing", "completed"))
    assert (first.url, second.url, second.number) == ("/brief", None, "+14155550178")
    assert (dial.answer_on_bridge, dial.time_limit_s, dial.timeout_s) == (True, 60, 30)


def test_a_conference_is_told_of_by_start_and_end_unless_more_is_wanted() -> None:
    dial = _only('<Dial><Conference statusCallback="/c" waitUrl="">room</Conference></Dial>')
    assert isinstance(dial, Dial)
    assert dial.conference == Conference(
        "room", wait_url="", callback=Callback("/c", "POST", ("start", "end"))
    )


def test_recordings_messages_and_keys_are_read() -> None:
    started = _only(
        '<Start><Recording recordingStatusCallback="https://v.example/r" track="inbound"/></Start>'
    )
    assert started == StartRecording(Callback("https://v.example/r"), "inbound")
    assert _only('<Record maxLength="30" playBeep="false"/>') == Record(max_length_s=30, play_beep=False)
    assert _only('<Play digits="WW1#"/>') == PlayDigits("ww1#")


@pytest.mark.parametrize(
    ("verb", "code"),
    [
        ("<Dial/>", 12200),
        ("<Dial><Conference/></Dial>", 12200),
        ('<Dial><Conference statusCallback="/c" statusCallbackEvent="party">x</Conference></Dial>', 12200),
        ('<Gather input="telepathy"/>', 12200),
        ('<Gather input="speech" speechModel="phone_call" speechTimeout="auto"/>', 13335),
        ("<Start><Stream/></Start>", 12200),
        ('<Start><Recording recordingStatusCallback="/relative"/></Start>', 12200),
        ('<Play digits="12a"/>', 13420),
    ],
)
def test_what_cannot_be_carried_out_is_skipped(verb: str, code: int) -> None:
    document = parse_twiml(f"<Response>{verb}<Hangup/></Response>")
    assert document.verbs == (Hangup(),)
    assert [warning.code for warning in document.warnings] == [code]


def test_an_attribute_in_the_wrong_case_is_told_of_also_inside_a_dial() -> None:
    document = parse_twiml(
        '<Response><Dial><Number statuscallback="/x">+14155550177</Number></Dial></Response>'
    )
    assert [warning.code for warning in document.warnings] == [12200]
    assert document.verbs == (Dial(numbers=(Number("+14155550177"),)),)
