"""The TwiML documents that the runtime answers with, from the Jinja2 templates beside this module.

Autoescaping is on and undefined names are errors: a caller's or a declaration's text can never become a
verb, and characters that XML cannot carry are left out. Twilio: a document is at most 64 kB, needs a
Content-Type, and has `<Response>` as its root.
"""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from runtime.say_voice import ANY_VOICE, SayVoice
from runtime.ssml import plain, say_content

CONTENT_TYPE = "text/xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class HoldPrelude:
    """What the caller hears from Twilio before the stream: an `announcement`, spoken `text`, or nothing.

    `seconds` is how long that takes, as far as known; the stream cannot come earlier.
    """

    text: str | None = None
    voice: str | None = None
    seconds: float = 0.0
    announcement: str | None = None
    speaker: SayVoice = ANY_VOICE
    """Who speaks the announcement."""


def _writable(value: object) -> object:
    """Return a value of a template as XML can carry it; what is XML already is."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_environment = Environment(
    loader=PackageLoader("runtime", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_writable,
    keep_trailing_newline=True,
)
_environment.filters["ssml"] = say_content


def answer(hold: HoldPrelude, *, stream_url: str, after_url: str) -> str:
    """Return the document that speaks the hold prelude and connects the call's media stream.

    `stream_url` is absolute, `ws(s)://`, without a query (Twilio drops queries of `<Stream url>`);
    `after_url` is asked for what comes next when the stream has ended.
    """
    return render("answer.xml.j2", hold=hold, stream_url=stream_url, after_url=after_url)


def reject() -> str:
    """Return the document that gives the caller the busy tone, without answering (and billing) the call."""
    return render("reject.xml.j2")


def say_and_hang_up(text: str, by: SayVoice = ANY_VOICE) -> str:
    """Return the document that speaks `text` (plain, no SSML) and hangs up."""
    return render("say_and_hang_up.xml.j2", text=text, by=by)


def say_and_forward(text: str, number: str, by: SayVoice = ANY_VOICE) -> str:
    """Return the document that speaks `text` (plain, no SSML) and puts the caller through to a person."""
    return render("say_and_forward.xml.j2", text=text, number=number, by=by)


def hang_up() -> str:
    """Return the document that ends the call."""
    return render("hang_up.xml.j2")


def nothing() -> str:
    """Return the document that does nothing: the answer to a message that is answered otherwise."""
    return render("nothing.xml.j2")


def render(template: str, **values: object) -> str:
    """Return one of the templates with these values."""
    return _environment.get_template(template).render(**values)
