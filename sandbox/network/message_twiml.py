"""Reading what an app answers to a message: TwiML's `<Message>`, a text, or nothing. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from sandbox.network.twiml import TwimlError
from sandbox.network.webhooks import Reply as Answer


@dataclass(frozen=True, slots=True)
class Reply:
    """A message that is to be sent in answer; `to` is somebody else where it is not empty."""

    body: str
    media_urls: tuple[str, ...] = ()
    to: str = ""
    status_callback: str | None = None


def read_replies(answer: Answer) -> tuple[Reply, ...]:
    """Return the messages of an answer. Raises TwimlError for one that is no TwiML."""
    kind = answer.content_type.partition(";")[0].strip().lower()
    if not answer.body.strip():
        return ()
    if kind == "text/plain":
        return (Reply(answer.body.decode("utf-8", "replace")),)
    if kind not in {"text/xml", "application/xml", "text/html"}:
        raise TwimlError(12300, f"Invalid Content-Type: {kind or 'none'}")
    if b"<!DOCTYPE" in answer.body:
        raise TwimlError(12100, "a document type declaration is not TwiML")
    try:
        root = ElementTree.fromstring(answer.body.strip())  # noqa: S314 - no entities without the DOCTYPE refused above
    except ElementTree.ParseError as error:
        raise TwimlError(12100, f"Document parse failure: {error}") from error
    if root.tag != "Response":
        raise TwimlError(12102, f"Response has no <Response> root: <{root.tag}>")
    return tuple(_reply(element) for element in root if element.tag == "Message")


def _reply(element: Element) -> Reply:
    body = element.find("Body")
    text = (body.text if body is not None else element.text) or ""
    return Reply(
        text.strip(),
        tuple((child.text or "").strip() for child in element.findall("Media")),
        element.get("to", ""),
        element.get("statusCallback") or None,
    )
