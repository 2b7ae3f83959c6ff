"""Declared text as the content of `<Say>`: SSML where it is SSML, escaped text everywhere else.

A hold text may carry SSML (`One moment <break time="300ms"/> please`), which must reach Twilio as
elements. Anything that is not a known, well-nested SSML element is text: `5 < 6` stays readable, and
no declaration can smuggle a TwiML verb into the document.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

# The children that `<Say>` may have. Twilio: voice_response.py of twilio-python, `Say.*` methods.
ELEMENTS = frozenset({"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"})

_TAG = re.compile(
    r"""<(?P<close>/?)(?P<name>[A-Za-z-]+)(?P<attributes>(?:\s+[\w:-]+="[^"<>]*")*)\s*(?P<empty>/?)>"""
)
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)")
# XML 1.0 has no way to write these characters, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def say_content(text: str) -> Markup:
    """Return `text` as XML content: SSML elements kept when all of them nest, else everything escaped.

    In SSML, entities (`&amp;`) mean what they mean in XML; in plain text they are literal.
    """
    clean = plain(text)
    if not _is_ssml(clean):
        return escape(clean)
    parts: list[str] = []
    end = 0
    for tag in _TAG.finditer(clean):
        parts += (_escape_ssml_text(clean[end : tag.start()]), _BARE_AMPERSAND.sub("&amp;", tag.group()))
        end = tag.end()
    parts.append(_escape_ssml_text(clean[end:]))
    return Markup("".join(parts))  # noqa: S704 - every part was escaped or matched against the element list


def plain(text: str) -> str:
    """Return `text` without the characters that XML cannot carry."""
    return _NOT_XML.sub("", text)


def is_open(text: str) -> bool:
    """Whether a text ends inside of an SSML element or tag, so that it cannot be spoken alone."""
    depth = 0
    for tag in _TAG.finditer(text):
        if tag["name"] in ELEMENTS and not tag["empty"]:
            depth += -1 if tag["close"] else 1
    return depth > 0 or text.rfind("<") > text.rfind(">")


def _is_ssml(text: str) -> bool:
    """Whether the text has tags, all of them known SSML elements and properly nested."""
    tags = list(_TAG.finditer(text))
    if not tags or any(tag["name"] not in ELEMENTS or (tag["close"] and tag["empty"]) for tag in tags):
        return False
    open_elements: list[str] = []
    for tag in tags:
        if tag["close"]:
            if tag["attributes"] or not open_elements or open_elements.pop() != tag["name"]:
                return False
        elif not tag["empty"]:
            open_elements.append(tag["name"])
    return not open_elements


def _escape_ssml_text(text: str) -> str:
    return _BARE_AMPERSAND.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")
