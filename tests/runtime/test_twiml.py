"""The documents that Twilio gets: well-formed whatever was declared, and only with verbs of ours."""

from __future__ import annotations

from xml.dom.minidom import Element, parseString

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import twiml
from runtime.twiml import HoldPrelude


def root(document: str) -> Element:
    element = parseString(document).documentElement
    assert element is not None
    assert element.tagName == "Response"
    return element


def say(text: str) -> Element:
    """The `<Say>` that a hold text becomes."""
    document = twiml.answer(
        HoldPrelude(text=text), stream_url="wss://h/stream/t", after_url="https://h/after"
    )
    verbs = [node for node in root(document).childNodes if isinstance(node, Element)]
    assert [verb.tagName for verb in verbs] == ["Say", "Connect"]
    return verbs[0]


def spoken(element: Element) -> str:
    return "".join(
        spoken(node) if isinstance(node, Element) else str(node.nodeValue) for node in element.childNodes
    )


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ('One moment <break time="300ms"/> please', ["break"]),
        ("<prosody rate='slow'>quoted otherwise</prosody>", []),
        ('<emphasis level="strong">Really</emphasis> soon & surely', ["emphasis"]),
        ('<sub alias="A &amp; B">AB</sub> R&D', ["sub"]),
        ("<Hangup/>", []),
        ('<break time="1s"/><Dial>+1900</Dial>', ["break"]),
        ('<speak>Hello <break time="1s"/></speak>', ["break"]),
        ('<break time="1s" time="2s"/>', []),
        ('<break 1a="x"/>', []),
        ('<s foo:bar="x">Hello</s>', []),
        ('<s xmlns="http://www.w3.org/2000/xmlns/">Hello</s>', []),
        ('<lang xml:lang="de-DE">Hallo</lang>', ["lang"]),
        ('<break time="&#1;"/>', ["break"]),
        ("<s>never closed", []),
        ("<p><s>crossed</p></s>", []),
        ("5 < 6 and 7 > 2", []),
    ],
)
def test_ssml_reaches_twilio_as_elements_and_all_else_as_words(text: str, elements: list[str]) -> None:
    assert [node.tagName for node in say(text).childNodes if isinstance(node, Element)] == elements


def test_words_are_spoken_as_they_were_declared() -> None:
    assert spoken(say("Fish &amp; Chips <at> Joe's")) == "Fish &amp; Chips <at> Joe's"
    assert spoken(say('A &amp; B<break/> & "C"')) == 'A & B & "C"'
    assert spoken(say("&#66; &#x42;<break/> &#0; &#xD800; &#9999999;")) == "B B &#0; &#xD800; &#9999999;"
    assert spoken(say("<speak>Hello.</speak>")) == "Hello."


@given(st.text())
def test_no_text_breaks_a_document_or_adds_a_verb(text: str) -> None:
    document = root(twiml.say_and_hang_up(text))
    assert [node.tagName for node in document.childNodes if isinstance(node, Element)] == ["Say", "Hangup"]
    if text.strip():
        say(text)


BEGINNINGS = ["<break", "<s", "<sub", "</s", "<lang", "<speak>", "</speak>", "/>", ">", '="', '"', "word"]
ATTRIBUTES = [" time", " xml:lang", " xmlns", ":", "1a", "\N{NO-BREAK SPACE}", " "]
REFERENCES = ["&#", "&", "0", "xD800", "1", ";", "&amp;", "\x01"]
SSML = st.lists(st.sampled_from([*BEGINNINGS, *ATTRIBUTES, *REFERENCES]) | st.text(max_size=3)).map("".join)


@given(SSML, SSML)
def test_whatever_a_model_takes_for_ssml_is_spoken_in_a_document_that_can_be_read(
    text: str, more: str
) -> None:
    if text.strip():
        say(text)
    say(f'<s>{text}<break time="{more}"/></s>')


def test_a_hold_voice_stands_in_its_verb_and_the_stream_follows() -> None:
    hold = HoldPrelude(text="Hello", voice="Polly.Joanna")
    document = twiml.answer(hold, stream_url="wss://h/stream/t", after_url="https://h/a?x=1&y=2")
    assert '<Say voice="Polly.Joanna">Hello</Say>' in document
    connect = root(document).getElementsByTagName("Connect")[0]
    assert connect.getAttribute("action") == "https://h/a?x=1&y=2"


@given(st.text(), st.text())
def test_no_voice_or_address_breaks_a_document(voice: str, url: str) -> None:
    root(twiml.answer(HoldPrelude("Hello", voice, announcement=url), stream_url=url, after_url=url))
