"""Documents, and what Twilio says about bad ones."""

from __future__ import annotations

import pytest

from sandbox.network.twiml import TwimlError, parse_twiml
from sandbox.network.verbs import (
    Hangup,
    Pause,
    Play,
    Redirect,
    Reject,
    Say,
    Stream,
)


def test_the_verbs_are_read_in_order() -> None:
    document = parse_twiml(
        """<?xml version="1.0" encoding="UTF-8"?>
        <!-- a comment -->
        <Response>
          <Say voice="alice">Hello <break time="1s"/> there</Say>
          <Play loop="2"> /media/hold.wav </Play>
          <Pause length="3"/>
          <Redirect method="GET">/next</Redirect>
          <Reject reason="busy"/>
          <Hangup/>
        </Response>"""
    )
    assert document.verbs == (
        Say("Hello there"),
        Play("/media/hold.wav", 2),
        Pause(3),
        Redirect("/next", "GET"),
        Reject("busy"),
        Hangup(),
    )
    assert document.warnings == ()


def test_a_stream_has_its_parameters_and_its_action() -> None:
    document = parse_twiml(
        '<Response><Connect action="/after"><Stream url="wss://v.example/s">'
        '<Parameter name="token" value="abc"/></Stream></Connect></Response>'
    )
    assert document.verbs == (Stream("wss://v.example/s", (("token", "abc"),), "/after"),)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", 12100),
        ("<Response>", 12100),
        ("<Response>&nbsp;</Response>", 12100),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><Response>&a;</Response>", 12100),
        ("<response/>", 12102),
        ("<html/>", 12102),
    ],
)
def test_a_document_that_cannot_be_read_is_an_error(body: str, code: int) -> None:
    with pytest.raises(TwimlError) as caught:
        parse_twiml(body)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("verb", "code"),
    [
        ("<say>hello</say>", 12200),
        ("<Dance/>", 12200),
        ("<Dial><Sip>sip:a@b.example</Sip></Dial>", 12200),
        ("<Connect><Room>x</Room></Connect>", 12200),
        ('<Connect><Stream url="wss://v.example/" track="both_tracks"/></Connect>', 31941),
        (f"<Say>{'x' * 4097}</Say>", 13521),
    ],
)
def test_a_verb_that_is_not_understood_is_skipped_with_a_warning(verb: str, code: int) -> None:
    document = parse_twiml(f"<Response>{verb}<Hangup/></Response>")
    assert document.verbs == (Hangup(),)
    assert [warning.code for warning in document.warnings] == [code]


def test_an_unknown_attribute_is_a_warning_and_the_verb_is_kept() -> None:
    document = parse_twiml('<Response><Say Voice="alice">Hello</Say></Response>')
    assert document.verbs == (Say("Hello"),)
    assert [warning.code for warning in document.warnings] == [12200]


def test_a_parameter_of_500_characters_is_left_out() -> None:
    document = parse_twiml(
        '<Response><Connect><Stream url="wss://v.example/s">'
        f'<Parameter name="abc" value="{"x" * 497}"/><Parameter name="abc" value="{"x" * 496}"/>'
        "</Stream></Connect></Response>"
    )
    (stream,) = document.verbs
    assert isinstance(stream, Stream)
    assert stream.parameters == (("abc", "x" * 496),)
