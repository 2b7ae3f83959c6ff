"""The one way to lay out a declarations file: `tm fmt`.

Within each document `kind` and `name` come first, then the fields in the order of the language; unknown keys
keep their order at the end. Phone numbers lose their quotes, documents are parted by `---`, and at most one
blank line stands between fields. Lines are moved, never rewritten: a field takes along the comments right
above it and everything indented below it.

The new text is read as the loader reads it, and refused when it would mean anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml
from yaml import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from schemas.entry import KINDS
from schemas.errors import TmError
from schemas.fields import is_phone_number
from schemas.places import Diagnostic, Place
from schemas.source import Plain, Reference, SourceMap
from schemas.yaml_source import read_documents

# YAML takes these for line breaks as well; hardly anybody means them so.
_UNUSUAL_BREAK = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_MARKER = re.compile(r"(---|\.\.\.)([ \t].*)?")
_EDITOR_LINE = "# yaml-language-server:"


class CannotFormat(TmError):
    """The file is left as it is: it cannot be read, or is written in a way that lines cannot be moved in."""


def formatted(text: str, file: str) -> str:
    """Return the text of `file` in the one layout; what is laid out already comes back unchanged.

    Raises:
        CannotFormat: names the place and the reason.
    """
    documents = _documents(text, file)
    if _UNUSUAL_BREAK.search(text):
        raise CannotFormat("unusual line breaks", place=Place(file, 1, 1))
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    parts = [_formatted_document(part, first, file) for first, part in _parts(lines, file)]
    result = "---\n".join("".join(f"{line}\n" for line in part) for part in parts if part)
    findings: list[Diagnostic] = []
    again = list(read_documents(result, file, findings.append))
    if findings or _meaning(again) != _meaning(documents):
        raise CannotFormat("its lines cannot be moved without changing what it says", place=Place(file, 1, 1))
    return result


def _documents(text: str, file: str) -> list[SourceMap]:
    """Read a text as the loader does. Raises CannotFormat for the first thing that is wrong with it."""
    findings: list[Diagnostic] = []
    documents = list(read_documents(text.removeprefix("\ufeff"), file, findings.append))
    if findings:
        raise CannotFormat(findings[0].message, place=findings[0].place)
    return documents


def _parts(lines: Sequence[str], file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of each document, with the number of lines before them."""
    first = 0
    for index, line in enumerate([*lines, "---"]):
        marker = _MARKER.fullmatch(line)
        if line.startswith("%") or (marker and (marker[1] == "..." or (marker[2] or "").strip())):
            raise CannotFormat("a marker or directive with text", place=Place(file, index + 1, 1))
        if marker:
            yield first, list(lines[first:index])
            first = index + 1


@dataclass(frozen=True, slots=True)
class _Block:
    """One field: the comments above it, and its own lines."""

    key: str
    comments: list[str]
    lines: list[str]


def _formatted_document(lines: list[str], first: int, file: str) -> list[str]:
    """Return the lines of one document in their new order; one without fields stays as it is."""
    root = yaml.compose("\n".join(lines), Loader=yaml.CSafeLoader)
    lines = _with_plain_numbers(lines, root)
    if not isinstance(root, MappingNode) or root.flow_style:
        return _spaced((), [_Block("", [], lines)], (), "")
    _require_lines(root, lines, first, file)
    header, blocks, footer = _split(lines, root)
    indent = " " * root.start_mark.column
    order = _order_of(root)
    blocks.sort(key=lambda block: order.get(block.key, len(order)))
    return _spaced(header, blocks, footer, indent)


def _spaced(header: Sequence[str], blocks: Sequence[_Block], footer: Sequence[str], indent: str) -> list[str]:
    """Join a document, with single blank lines at most between its fields; what is in them stays as it is.

    Comments between fields are indented like these: deeper ones might become part of the text above.
    """
    body: list[str] = []

    def add(lines: Sequence[str]) -> None:
        for line in lines:
            if line.strip() or (body and body[-1].strip()):
                body.append(f"{indent}{line.strip()}".rstrip())

    add(header)
    for block in blocks:
        add([line for line in block.comments if line.strip() or block.key not in ("kind", "name")])
        body.extend(block.lines)
    add(footer)
    while body and not body[-1].strip():
        body.pop()
    return body


def _require_lines(root: MappingNode, lines: Sequence[str], first: int, file: str) -> None:
    """Raise CannotFormat for a field that shares a line with another or has a key that is no text."""
    column = root.start_mark.column
    starts = [key.start_mark.line for key, _ in root.value]
    for (key, _), line in zip(root.value, starts, strict=True):
        alone = key.start_mark.column == column and not lines[line][:column].strip()
        if not alone or starts.count(line) > 1 or not isinstance(key, ScalarNode):
            place = Place(file, first + line + 1, 1)
            raise CannotFormat("a field must begin its line to be moved", place=place)


def _split(lines: list[str], root: MappingNode) -> tuple[list[str], list[_Block], list[str]]:
    """Part a document into the comments on top of it, its fields, and the comments at its end.

    Comments right above the first field are its own, but for a line that speaks to editors.
    """
    column = root.start_mark.column
    starts = [key.start_mark.line for key, _ in root.value]
    floors = [0, *(_last_line(value, key.start_mark.line) + 1 for key, value in root.value)]
    leads = [
        _lead(lines, end, floor, column) for end, floor in zip([*starts, len(lines)], floors, strict=True)
    ]
    own = starts[0]
    while own > 0 and lines[own - 1].strip() and not lines[own - 1].startswith(_EDITOR_LINE):
        own -= 1
    header, leads[0] = lines[:own], own
    blocks = [
        _Block(key.value, lines[lead:start], lines[start:following])
        for (key, _), lead, start, following in zip(root.value, leads, starts, leads[1:], strict=False)
    ]
    return header, blocks, lines[leads[-1] :]


def _lead(lines: Sequence[str], end: int, floor: int, column: int) -> int:
    """Return where the comments and blank lines above line `end` begin, at `floor` at the earliest."""
    while end > floor and (not lines[end - 1].strip() or _is_comment(lines[end - 1], column)):
        end -= 1
    return end


def _is_comment(line: str, column: int) -> bool:
    """Tell whether a line is a comment that is not indented below a field."""
    text = line.lstrip(" ")
    return text.startswith("#") and len(line) - len(text) <= column


def _last_line(node: Node, start: int) -> int:
    """Return the last line that is certainly part of a value: what looks like a comment there is none.

    Block scalars are not asked: nothing in them can stand in the column of a field.
    """
    if isinstance(node, ScalarNode):
        return start if node.style in ("|", ">") or not node.value else node.end_mark.line
    if not isinstance(node, CollectionNode) or node.flow_style:
        return node.end_mark.line
    inner = (item for entry in node.value for item in (entry if isinstance(entry, tuple) else (entry,)))
    return max((_last_line(item, start) for item in inner), default=start)


def _order_of(root: MappingNode) -> dict[str, int]:
    """Return the rank of each key that a document of this kind can have."""
    kind = next((value.value for key, value in root.value if key.value == "kind"), None)
    model = KINDS.get(kind) if isinstance(kind, str) else None
    keys = dict.fromkeys(["kind", "name", *(model.model_fields if model else ())])
    return {key: rank for rank, key in enumerate(keys)}


def _with_plain_numbers(lines: list[str], root: Node | None) -> list[str]:
    """Take the quotes off phone numbers: this language keeps their plus without."""
    changed = list(lines)
    numbers = [node for node in _scalars(root) if node.style in ("'", '"') and is_phone_number(node.value)]
    for node in sorted(numbers, key=lambda node: node.start_mark.index, reverse=True):
        start, end = node.start_mark, node.end_mark
        line = changed[start.line]
        if line[start.column : end.column] == f"{node.style}{node.value}{node.style}":
            changed[start.line] = line[: start.column] + node.value + line[end.column :]
    return changed


def _scalars(node: Node | None) -> Iterator[ScalarNode]:
    """Yield the values at and below a node, without keys."""
    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, SequenceNode):
        for item in node.value:
            yield from _scalars(item)
    elif isinstance(node, MappingNode):
        for _, value in node.value:
            yield from _scalars(value)


def _meaning(source: object) -> object:
    """Return what a source says, without its places, and without the quotes of phone numbers."""
    if isinstance(source, SourceMap):
        return {key: _meaning(value) for key, value in source.items()}
    if isinstance(source, list):
        return [_meaning(value) for value in source]
    if isinstance(source, Reference):
        return ("reference", source.text)
    is_plain = isinstance(source, Plain) and not is_phone_number(source)
    return ("plain", source) if is_plain else source
