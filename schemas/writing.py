"""Values as YAML text, so that this language and every other reader of YAML see the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

Scalar = str | bool

_PLAIN = re.compile(r"[A-Za-z]([A-Za-z0-9 ()_./-]*[A-Za-z0-9)])?", re.ASCII)
_PHONE_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
# Words that some version of YAML takes for a switch or for nothing.
_RESERVED = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def scalar(value: Scalar) -> str:
    """Return a value as one line of YAML: plain where every reader takes it as it is, else quoted.

    Phone numbers stay plain, as people write them: this language keeps their plus.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if _PHONE_NUMBER.fullmatch(value) or (_PLAIN.fullmatch(value) and value.lower() not in _RESERVED):
        return value
    return f'"{"".join(map(_escaped, value))}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08x}"


def mapping_lines(values: Mapping[str, Scalar]) -> list[str]:
    """Return the lines of a block mapping."""
    return [f"{key}: {scalar(value)}" for key, value in values.items()]


def flow_mapping(values: Mapping[str, Scalar]) -> str:
    """Return a mapping in braces."""
    return "{" + ", ".join(mapping_lines(values)) + "}"


def list_lines(entries: Iterable[Mapping[str, Scalar]], short: str) -> list[str]:
    """Return the lines of a block list of mappings; one that has the field `short` only is its value."""
    lines = []
    for entry in entries:
        first, *rest = [scalar(entry[short])] if len(entry) == 1 else mapping_lines(entry)
        lines += [f"- {first}", *(f"  {line}" for line in rest)]
    return lines
