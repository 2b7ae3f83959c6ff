"""What Twilio would send to an agent's URLs, signed, and what the answers mean.

Nothing of this begins a call. The complete request of a call goes to `/voice/{agent}/fallback`, which
answers TwiML and does nothing else; the voice URL itself gets a genuine signature without a CallSid, which
is refused as no webhook (400) once signature and agent were found right, and a forged one (403).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlparse, urlsplit
from xml.parsers import expat

from twilio.request_validator import RequestValidator, remove_port

from reconciler.output.printable import printable
from reconciler.preflight.asking import MOST_BYTES, Answer, Asker
from reconciler.preflight.finding import Finding, Subject
from reconciler.resource.marker import add_marker

SLOW_SECONDS = 2.0

# No call has it: Twilio's are random.
PROBE_CALL_SID = "CA" + "0" * 32
PROBE_MESSAGE_SID = "SM" + "0" * 32
# Twilio: the sender of its own test credentials.
PROBE_CALLER = "+15005550006"

_PROBE_MARKER = "0" * 12

# Twilio: types that are read as TwiML.
_TWIML_TYPES = ("text/xml", "application/xml", "text/html")


@dataclass(frozen=True, slots=True)
class Probe:
    """A POST as Twilio would send it. The signature is in no repr."""

    url: str
    form: Mapping[str, str]
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Probe({self.url!r})"


def call_parameters(account_sid: str, called: str) -> dict[str, str]:
    """Return the parameters of a ringing call. Twilio: all of these always come, and more may."""
    return {
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "CallSid": PROBE_CALL_SID,
        "CallStatus": "ringing",
        "Called": called,
        "Caller": PROBE_CALLER,
        "Direction": "inbound",
        "From": PROBE_CALLER,
        "To": called,
    }


def genuine(url: str, form: Mapping[str, str], token: str) -> Probe:
    """Return a request that `token` has signed. Twilio: the port is left out of the signature over https."""
    signed = remove_port(urlparse(url)) if url.startswith("https:") else url
    signature: str = RequestValidator(token).compute_signature(signed, dict(form))
    return Probe(url, form, {"X-Twilio-Signature": signature})


def forged(url: str, form: Mapping[str, str]) -> Probe:
    """Return a request that nobody's token has signed."""
    return genuine(url, form, secrets.token_hex(16))


def marked(url: str) -> str:
    """Return a URL as it is applied: a query that a proxy drops breaks every signature."""
    return add_marker(url, _PROBE_MARKER)


async def post(asker: Asker, probe: Probe) -> Answer:
    """Send a probe. Raises NoAnswerError."""
    return await asker.ask("POST", probe.url, headers=probe.headers, form=probe.form)


def judge_twiml(subject: Subject, check: str, answer: Answer) -> Finding:
    """Judge the answer to a genuine call: status, type, size, form, time."""
    if answer.status != HTTPStatus.OK:
        return _refused(subject, check, answer)
    advice = "Is public_url the runtime's, and not another server's?"
    if answer.media_type not in _TWIML_TYPES:
        shown = printable(answer.media_type)[:60] or "no Content-Type"
        return subject.failed(check, f"answers {shown} instead of TwiML (error 12300)", advice)
    if not answer.complete:
        found = f"answers more than {MOST_BYTES // 1024} kB, the most that Twilio takes (error 11750)"
        return subject.failed(check, found, advice)
    if problem := twiml_problem(answer.body):
        return subject.failed(check, f"answers {problem} (error 12100)", advice)
    took = f"answers TwiML in {answer.seconds:.2f} s"
    if answer.seconds > SLOW_SECONDS:
        return subject.warning(check, took, "The caller hears nothing meanwhile; Twilio gives up after 15 s.")
    return subject.ok(check, took)


def judge_webhook(subject: Subject, check: str, answer: Answer, *, what: str = "call") -> Finding:
    """Judge the answer to a genuine signature without a call, or without `what` else comes there."""
    if answer.status == HTTPStatus.BAD_REQUEST:
        return subject.ok(check, f"takes the account's signature, and refuses what is no {what}")
    if answer.status == HTTPStatus.OK:
        found = f"answers 200 to a request that names no {what}"
        return subject.failed(check, found, "Is public_url the runtime's, and not another server's?")
    return _refused(subject, check, answer)


def judge_forgery(subject: Subject, check: str, answer: Answer) -> Finding:
    """Judge the answer to a forged signature."""
    if answer.status == HTTPStatus.FORBIDDEN:
        return subject.ok(check, "refused with 403")
    found = f"a request with a forged signature is answered {answer.status} instead of 403"
    return subject.failed(check, found, "What answers there is not tm serve, or something in front of it is.")


def twiml_problem(body: bytes) -> str | None:
    """Say why a document is no TwiML, or return None. A document type is not read: it can hold a bomb."""
    roots: list[str] = []
    depth = 0

    def start(name: str, _attributes: Mapping[str, str]) -> None:
        nonlocal depth
        if depth == 0:
            roots.append(name)
        depth += 1

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        if b"<!DOCTYPE" in body:
            return "a document with a document type, which TwiML has not"
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        return f"what is no well-formed XML: {printable(str(error))}"
    if roots != ["Response"]:
        return f"XML whose root is <{printable(roots[0])[:40]}> instead of <Response>"
    return None


def _refused(subject: Subject, check: str, answer: Answer) -> Finding:
    """Say what a status other than the expected one means."""
    status = answer.status
    if status == HTTPStatus.FORBIDDEN:
        return subject.failed(
            check,
            "refuses the account's signature (403)",
            "Give tm serve the same auth token and TM_PUBLIC_URL; a proxy must not change path or query.",
        )
    if status == HTTPStatus.NOT_FOUND:
        return subject.failed(
            check, "does not know the agent (404)", "Start tm serve with these declarations first."
        )
    if 300 <= status < 400:
        host = printable(_host_in(answer.headers.get("location", "")))[:80]
        return subject.failed(
            check,
            f"redirects ({status}) to {host or 'nowhere'}",
            "Set public_url to where the redirect leads: Twilio signs the URL that it was given.",
        )
    return subject.failed(
        check, f"answers {status}", "Look into the log of tm serve and of what is before it."
    )


def _host_in(url: str) -> str:
    """Return the host of a URL that a server named, or "" when it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
