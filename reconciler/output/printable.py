"""Foreign text for a terminal: what somebody typed into a number's settings must not steer it."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return `text` with control and direction characters as visible escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
