"""Declared text as the content of `<Say>`: SSML where it is SSML, escaped text everywhere else.

A hold text may carry SSML (`One moment <break time="300ms"/> please`), which must reach Twilio as
elements. Anything that is not a known, well-nested SSML element is text: `5 < 6` stays readable, and
no declaration can smuggle a TwiML verb into the document. The `<speak>` that SSML stands in elsewhere is left
out. Models write SSML too, so that whatever comes has to make a document that can be parsed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from markupsafe import Markup, escape

# The children that `<Say>` may have. Twilio: voice_response.py of twilio-python, `Say.*` methods.
ELEMENTS = frozenset({"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"})

# Those whose content may be spoken in two pieces; the others say how the whole of it is read.
DIVISIBLE = frozenset({"emphasis", "lang", "p", "prosody", "s"})

# A prefix would need a declaration, which only that of `xml` has; declarations are no part of SSML.
_ATTRIBUTE = r"(?:xml:lang|(?!xmlns)[A-Za-z_][\w.-]*)"
_ATTRIBUTES = rf"""(?:\s+{_ATTRIBUTE}="[^"<>]*")*"""
_TAG = re.compile(
    rf"""<(?P<close>/?)(?P<name>[A-Za-z-]+)(?P<attributes>{_ATTRIBUTES})\s*(?P<empty>/?)>""", re.ASCII
)
_ATTRIBUTE_NAME = re.compile(rf"""\s({_ATTRIBUTE})=""", re.ASCII)
_BEGUN = re.compile(
    rf"""</?(?P<name>[A-Za-z-]*)(?P<more>{_ATTRIBUTES}(?:\s+(?:{_ATTRIBUTE}(?:=(?:"[^"<>]*)?)?)?)?/?)\Z""",
    re.ASCII,
)
_SPEAK = re.compile(r"</?speak(?:\s[^<>]*)?>")
_AMPERSAND = re.compile(r"&(?:(?P<reference>amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)?")
_WORD = re.compile(r"&[#\w]{1,8};\s*|[^\s&]{1,50}\s*|&\s*|\s+")  # some scripts put no spaces between words
# XML 1.0 has no way to write these characters, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def say_content(text: str) -> Markup:
    """Return `text` as XML content: SSML elements kept when all of them nest, else everything escaped.

    In SSML, entities (`&amp;`) mean what they mean in XML; in plain text they are literal.
    """
    clean = _SPEAK.sub("", plain(text))
    if not is_ssml(clean):
        return escape(clean)
    parts: list[str] = []
    end = 0
    for tag in _elements(clean):
        parts += (_escape_ssml_text(clean[end : tag.start()]), _escape_ampersands(tag.group()))
        end = tag.end()
    parts.append(_escape_ssml_text(clean[end:]))
    return Markup("".join(parts))  # noqa: S704 - every part was escaped or matched against the element list


def plain(text: str) -> str:
    """Return `text` without the characters that XML cannot carry."""
    return _NOT_XML.sub("", text)


def pieces(text: str) -> Iterator[str | re.Match[str]]:
    """Yield the tags of a text and, in words or parts of long ones, what stands between them."""
    end = 0
    for tag in _elements(text):
        yield from _WORD.findall(text[end : tag.start()])
        yield tag
        end = tag.end()
    yield from _WORD.findall(text[end:])


def without_tags(text: str) -> str:
    """Return the words of a text, without the SSML elements around them."""
    return _TAG.sub(lambda tag: "" if tag["name"] in ELEMENTS else tag.group(), _SPEAK.sub("", text))


def is_open(text: str) -> bool:
    """Whether a text ends inside of an SSML element or tag, so that it cannot be spoken alone."""
    depth = 0
    for tag in _elements(text):
        if not tag["empty"]:
            depth = max(0, depth - 1) if tag["close"] else depth + 1
    return depth > 0 or _ends_in_a_tag(text)


def is_ssml(text: str) -> bool:
    """Whether the text has SSML elements, all of them properly nested."""
    tags = list(_elements(text))
    open_elements: list[str] = []
    for tag in tags:
        names = _ATTRIBUTE_NAME.findall(tag["attributes"])
        if len(names) != len(set(names)) or (tag["close"] and (names or tag["empty"])):
            return False
        if tag["close"]:
            if not open_elements or open_elements.pop() != tag["name"]:
                return False
        elif not tag["empty"]:
            open_elements.append(tag["name"])
    return bool(tags) and not open_elements


def _elements(text: str) -> Iterator[re.Match[str]]:
    """Yield the tags of SSML elements; those of others are words."""
    return (tag for tag in _TAG.finditer(text) if tag["name"] in ELEMENTS)


def _ends_in_a_tag(text: str) -> bool:
    """Whether what comes next may complete a tag: a bare `<` is the sign for "less than"."""
    begun = _BEGUN.match(text, max(0, text.rfind("<")))
    if begun is None:
        return False
    if begun["more"]:
        return begun["name"] in ELEMENTS or begun["name"] == "speak"
    return any(name.startswith(begun["name"]) for name in (*ELEMENTS, "speak"))


def _escape_ssml_text(text: str) -> str:
    return _escape_ampersands(text).replace("<", "&lt;").replace(">", "&gt;")


def _escape_ampersands(text: str) -> str:
    """Escape the ampersands that begin no reference to a character of XML."""
    return _AMPERSAND.sub(
        lambda found: found.group() if _is_reference(found) else f"&amp;{found.group()[1:]}", text
    )


def _is_reference(found: re.Match[str]) -> bool:
    reference = found["reference"]
    if reference is None or not reference.startswith("#"):
        return reference is not None
    code = int(reference[2:], 16) if reference[1] == "x" else int(reference[1:])
    return code <= sys.maxunicode and not _NOT_XML.match(chr(code))
