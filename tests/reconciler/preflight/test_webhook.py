"""What is sent to an agent's URLs is what Twilio would send, and every wrong answer has its own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from reconciler.preflight.asking import Answer
from reconciler.preflight.finding import Finding, Subject, Verdict
from reconciler.preflight.webhook import (
    PROBE_CALL_SID,
    call_parameters,
    forged,
    genuine,
    judge_forgery,
    judge_twiml,
    judge_webhook,
    twiml_problem,
)

SUBJECT = Subject("agent front-desk")
TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT = "AC" + "0" * 32
GOOD = b'<?xml version="1.0" encoding="UTF-8"?><Response><Say>Hello</Say><Hangup/></Response>'


def twiml(
    body: bytes = GOOD,
    *,
    status: int = 200,
    type_: str = "text/xml; charset=utf-8",
    seconds: float = 0.1,
    complete: bool = True,
    location: str = "",
) -> Finding:
    headers = {"content-type": type_, "location": location}
    return judge_twiml(SUBJECT, "signed call", Answer(status, headers, body, complete, seconds))


def test_the_signature_is_the_documented_one() -> None:
    """The vector of Twilio's documentation."""
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675310",
        "Digits": "1234",
        "From": "+14158675310",
        "To": "+18005551212",
    }
    probe = genuine("https://example.com/myapp.php?foo=1&bar=2", form, "12345")
    assert probe.headers["X-Twilio-Signature"] == "L/OH5YylLD5NRKLltdqwSvS0BnU="


@pytest.mark.parametrize(
    "url", ["https://agents.example:8443/voice/a?tm=000000000000", "http://127.0.0.1:8080/voice/a"]
)
def test_a_port_is_signed_as_twilio_does_and_the_validator_takes_it(url: str) -> None:
    form = call_parameters(ACCOUNT, "+14155550123")
    signature = genuine(url, form, TOKEN).headers["X-Twilio-Signature"]
    assert RequestValidator(TOKEN).validate(url, form, signature)
    without_port = RequestValidator(TOKEN).compute_signature(url.replace(":8443", ""), form)
    assert signature == without_port


def test_a_forged_request_is_signed_with_nobodys_token() -> None:
    form = call_parameters(ACCOUNT, "+14155550123")
    url = "https://agents.example/voice/a"
    assert not RequestValidator(TOKEN).validate(url, form, forged(url, form).headers["X-Twilio-Signature"])


def test_the_call_is_one_that_cannot_be() -> None:
    form = call_parameters(ACCOUNT, "+14155550123")
    assert form["CallSid"] == PROBE_CALL_SID
    assert {"AccountSid", "From", "To", "CallStatus", "ApiVersion", "Direction"} <= form.keys()


def test_a_probe_shows_no_signature() -> None:
    probe = genuine("https://agents.example/voice/a", {"A": "b"}, TOKEN)
    assert probe.headers["X-Twilio-Signature"] not in repr(probe)


def test_good_twiml_is_ok_with_its_time() -> None:
    finding = twiml(seconds=0.25)
    assert finding.verdict is Verdict.OK
    assert "0.25 s" in finding.found


def test_a_slow_answer_is_a_warning() -> None:
    assert twiml(seconds=2.5).verdict is Verdict.WARNING


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (twiml(status=403), "refuses the account's signature"),
        (twiml(status=404), "does not know the agent"),
        (twiml(status=302, location="https://www.agents.example/?key=secret"), "to www.agents.example"),
        (twiml(status=307, location="http://[broken"), "to nowhere"),
        (twiml(status=502), "answers 502"),
        (twiml(type_="application/json"), "application/json instead of TwiML"),
        (twiml(type_=""), "no Content-Type"),
        (twiml(complete=False), "more than 64 kB"),
        (twiml(b"<Response>"), "no well-formed XML"),
        (twiml(b""), "no well-formed XML"),
        (twiml(b"\xff\xfe\x00"), "no well-formed XML"),
        (twiml(b"<html><body/></html>"), "root is <html>"),
        (twiml(b'<!DOCTYPE a [<!ENTITY b "c">]><Response>&b;</Response>'), "document type"),
    ],
)
def test_every_wrong_answer_fails_in_its_own_words(finding: Finding, words: str) -> None:
    assert finding.verdict is Verdict.FAILED
    assert words in finding.found
    assert finding.advice
    assert "secret" not in finding.found


@pytest.mark.parametrize("status", [200, 302, 403, 404, 500])
def test_the_voice_url_answers_400_to_a_signature_without_a_call(status: int) -> None:
    assert judge_webhook(SUBJECT, "signed URL", Answer(400, {})).verdict is Verdict.OK
    assert judge_webhook(SUBJECT, "signed URL", Answer(status, {})).verdict is Verdict.FAILED


@pytest.mark.parametrize("status", [200, 204, 302, 400, 404, 500])
def test_a_forged_signature_is_refused_with_403_and_nothing_else(status: int) -> None:
    assert judge_forgery(SUBJECT, "forged call", Answer(403, {})).verdict is Verdict.OK
    assert judge_forgery(SUBJECT, "forged call", Answer(status, {})).verdict is Verdict.FAILED


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: f"<Response>{text}".encode()))
def test_no_body_breaks_the_check(body: bytes) -> None:
    problem = twiml_problem(body)
    assert problem is None or problem.isprintable()
