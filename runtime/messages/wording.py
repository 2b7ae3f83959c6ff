"""What a model writes, as it is sent: in WhatsApp's own marks or in none, in parts that Twilio takes.

Models write Markdown even where they are told not to. Twilio: the body of a message has at most 1,600
characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

_Change: TypeAlias = Callable[[str], str]

LONGEST_PART: Final = 1_600
MOST_PARTS: Final = 10
LONGEST_TEXT: Final = 2 * MOST_PARTS * LONGEST_PART
"""Characters of Markdown that are looked at; marks that go away are not half of any text."""
ELLIPSIS: Final = " […]"

# None of these looks at a character more than a bounded number of times, whatever the text is.
_CODE: Final = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_HEADING: Final = re.compile(r"^[ \t]*#{1,6}[ \t]+(\S.*)$", re.MULTILINE)
_BOLD: Final = re.compile(r"(\*\*|__)(?=\S)(.{1,300}?)(?<=\S)\1")
_ITALIC: Final = re.compile(r"(?<![*\w])\*(?=[^\s*])([^*\n]*[^\s*])\*(?![*\w])")
_STRUCK: Final = re.compile(r"~~(?=\S)(.{1,300}?)(?<=\S)~~")
_LINK: Final = re.compile(r"!?\[([^\[\]\n]*)\]\((https?://[^\s()]+)\)")
_BULLET: Final = re.compile(r"^([ \t]*)[*+][ \t]+", re.MULTILINE)
_LANGUAGE: Final = re.compile(r"^```[\w+-]+\n")
# Where a long text may be cut, the best place first; what is matched stays with the part before.
_ENDS: Final = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<![.!?…。！？])[.!?…。！？]++[\"'”’»)]*+\s"),
    re.compile(r"\s"),
)


def for_whatsapp(text: str) -> str:
    """Return Markdown in WhatsApp's marks: *bold*, _italic_, ~struck~; links as their addresses."""
    return _outside_code(text, _whatsapp_marks, lambda code: _LANGUAGE.sub("```\n", code))


def for_sms(text: str) -> str:
    """Return Markdown as plain text."""
    return _outside_code(text, _no_marks, lambda code: _LANGUAGE.sub("```", code).strip("`"))


def parts_of(text: str, longest: int = LONGEST_PART) -> tuple[str, ...]:
    """Return a text in parts of at most `longest` characters, cut where paragraphs or sentences end.

    No part is blank. A text that would be more than `MOST_PARTS` ends with an ellipsis in the last one.
    """
    parts: list[str] = []
    rest = text.strip()
    while rest and len(parts) < MOST_PARTS:
        end = len(rest) if len(rest) <= longest else _cut(rest, longest)
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    if rest:
        parts[-1] = parts[-1][: longest - len(ELLIPSIS)].rstrip() + ELLIPSIS
    return tuple(parts)


def _cut(text: str, longest: int) -> int:
    """Return where to cut a text that is too long: at the last end in its second half, if there is one."""
    for ending in _ENDS:
        ends = [match.end() for match in ending.finditer(text, 0, longest + 1) if match.start() <= longest]
        if ends and min(ends[-1], longest) > longest // 2:
            return min(ends[-1], longest)
    return longest


def _outside_code(text: str, words: _Change, code: _Change) -> str:
    pieces = _CODE.split(text[:LONGEST_TEXT])
    return "".join(code(piece) if number % 2 else words(piece) for number, piece in enumerate(pieces))


def _whatsapp_marks(text: str) -> str:
    text = _HEADING.sub(lambda found: f"**{_title(found).replace('**', '')}**", text)
    text = _BULLET.sub(r"\1- ", text)
    # A single star is italic in Markdown and bold in WhatsApp, so those go first.
    text = _ITALIC.sub(r"_\1_", text)
    text = _BOLD.sub(r"*\2*", text)
    return _LINK.sub(_link, _STRUCK.sub(r"~\1~", text))


def _no_marks(text: str) -> str:
    text = _BULLET.sub(r"\1- ", _HEADING.sub(_title, text))
    text = _STRUCK.sub(r"\1", _BOLD.sub(r"\2", text))
    return _LINK.sub(_link, _ITALIC.sub(r"\1", text))


def _title(found: re.Match[str]) -> str:
    return found[1].rstrip().rstrip("#").rstrip()


def _link(found: re.Match[str]) -> str:
    words, address = found[1].strip(), found[2]
    return address if words in ("", address) else f"{words}: {address}"
