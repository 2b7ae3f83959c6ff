"""What a call does next."""

from __future__ import annotations

from sandbox.network.flow import (
    APPLICATION_ERROR,
    CallFlow,
    End,
    Failure,
    Fetch,
    OpenStream,
    PlayMedia,
    Silence,
    Speak,
    Target,
)
from sandbox.network.twiml import parse_twiml

MAIN = "https://voice.example/voice/desk?tm=1"
FALLBACK = "https://backup.example/sorry"
FAILURE = Failure(11200, MAIN, "HTTP 500")


def _flow(*, fallback: str | None = None) -> CallFlow:
    flow = CallFlow(Target(url=MAIN, fallback_url=fallback))
    assert flow.begin() == Fetch(MAIN, "POST")
    return flow


def test_verbs_follow_each_other_and_the_end_of_the_document_hangs_up() -> None:
    flow = _flow()
    document = parse_twiml("<Response><Say>Hi</Say><Play>/hold.wav</Play><Pause/></Response>")
    assert flow.document(document, MAIN) == Speak("Hi", 1)
    assert flow.done() == PlayMedia("https://voice.example/hold.wav", 1)
    assert flow.done() == Silence(1000)
    assert flow.done() == End("completed", "end of the document")


def test_a_rejected_call_is_never_answered() -> None:
    flow = _flow()
    end = flow.document(parse_twiml('<Response><Reject reason="busy"/></Response>'), MAIN)
    assert isinstance(end, End)
    assert end.outcome == "busy"
    assert not flow.answered


def test_pauses_alone_never_answer() -> None:
    flow = _flow()
    assert flow.document(parse_twiml('<Response><Pause length="2"/></Response>'), MAIN) == Silence(2000)
    assert not flow.answered
    end = flow.done()
    assert isinstance(end, End)
    assert end.outcome == "no-answer"


def test_a_relative_redirect_is_resolved_against_its_document() -> None:
    flow = _flow()
    document = parse_twiml('<Response><Redirect method="GET">../next</Redirect></Response>')
    assert flow.document(document, "https://voice.example/a/b/c") == Fetch(
        "https://voice.example/a/next", "GET"
    )


def test_when_a_stream_ends_its_action_goes_on() -> None:
    flow = _flow()
    document = parse_twiml(
        '<Response><Connect action="/after"><Stream url="wss://v.example/s"/></Connect><Say>Never</Say></Response>'
    )
    assert isinstance(flow.document(document, MAIN), OpenStream)
    assert flow.answered
    assert flow.done() == Fetch("https://voice.example/after", "POST")


def test_when_a_stream_without_action_ends_the_next_verb_follows() -> None:
    flow = _flow()
    document = parse_twiml(
        '<Response><Connect><Stream url="wss://v.example/s"/></Connect><Say>Bye</Say></Response>'
    )
    flow.document(document, MAIN)
    assert flow.done() == Speak("Bye", 1)


def test_a_failed_document_leads_to_the_fallback_which_is_told_why() -> None:
    flow = _flow(fallback=FALLBACK)
    assert flow.failed(FAILURE) == Fetch(FALLBACK, "POST", (("ErrorCode", "11200"), ("ErrorUrl", MAIN)))


def test_a_failed_fallback_is_an_application_error_and_the_end() -> None:
    flow = _flow(fallback=FALLBACK)
    flow.failed(FAILURE)
    assert flow.failed(Failure(11200, FALLBACK, "HTTP 500")) == Speak(APPLICATION_ERROR, 1)
    end = flow.done()
    assert isinstance(end, End)
    assert end.outcome == "completed"


def test_without_a_fallback_a_failed_document_is_an_application_error() -> None:
    assert _flow().failed(FAILURE) == Speak(APPLICATION_ERROR, 1)
