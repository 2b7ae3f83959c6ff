"""Reads YAML text into documents that remember their places.

libyaml composes the nodes; everything after is done here, so that scalars stay texts, a key that
stands twice is an error and merge keys (`<<`) keep the places of what they bring in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from yaml import MappingNode, Node, ScalarNode, SequenceNode
from yaml._yaml import CParser
from yaml.error import MarkedYAMLError, YAMLError
from yaml.reader import ReaderError

from schemas import codes
from schemas.places import Diagnostic, Place
from schemas.references import has_reference
from schemas.source import Plain, Reference, Source, SourceList, SourceMap

Report = Callable[[Diagnostic], None]

# libyaml recurses once per level and has no bound of its own: deep nesting would exhaust the stack.
_MAX_DEPTH = 100
_DEEP_INDENT = re.compile(rf"^[\s?:-]{{{10 * _MAX_DEPTH},}}", re.MULTILINE)
_BRACKET = re.compile(r"[\[\]{}]")
# Aliases make small files large: this many values are more than any document needs.
_MAX_VALUES = 100_000

_PLAIN = "plain"
_QUOTED = "quoted"
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({_PLAIN, _QUOTED, *(_TAG + name for name in ("str", "int", "float", "bool", "null"))})
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


class _Composer(CParser):
    """Composes nodes whose tag tells quoted scalars from plain ones, without guessing their types."""

    def resolve(self, kind: type[Node], value: str, implicit: tuple[bool, bool]) -> str:
        return _PLAIN if implicit == (True, False) else _QUOTED

    def descend_resolver(self, parent: Node | None, index: object) -> None:
        """Path resolvers are not used."""

    def ascend_resolver(self) -> None:
        """Path resolvers are not used."""


def read_documents(text: str, file: str, report: Report) -> Iterator[SourceMap]:
    """Yield each document of `text`; what is wrong goes to `report`, one syntax error at most.

    Documents before a syntax error are still yielded. Empty documents are passed over.
    """
    if _too_deep(text):
        report(_error(codes.UNSUPPORTED_YAML, "nested too deeply", Place(file, 1, 1)))
        return
    try:
        composer = _Composer(text)
        while composer.check_node():
            root = composer.get_node()
            assert root is not None, "check_node has seen it"
            yield from _DocumentReader(file, report).read(root)
    except YAMLError as error:
        report(_syntax_error(error, text, file))


def _too_deep(text: str) -> bool:
    depth = deepest = 0
    for bracket in _BRACKET.findall(text):
        depth = max(0, depth + (1 if bracket in "[{" else -1))
        deepest = max(deepest, depth)
    return deepest > 10 * _MAX_DEPTH or _DEEP_INDENT.search(text) is not None


def _error(code: str, message: str, place: Place) -> Diagnostic:
    return Diagnostic("error", code, message, place)


def _syntax_error(error: YAMLError, text: str, file: str) -> Diagnostic:
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        line, column = error.problem_mark.line, error.problem_mark.column
        lines = text.split("\n")
        before = lines[line][: column + 1] if line < len(lines) else ""
        if "\t" in before and not before.strip():
            return _error(codes.YAML_SYNTAX, "tab in the indentation; use spaces", Place(file, line + 1, 1))
        context = f" ({error.context})" if error.context else ""
        message = f"{error.problem}{context}"
        return _error(codes.YAML_SYNTAX, message, Place(file, line + 1, column + 1))
    if isinstance(error, ReaderError):
        before = text[: error.position]
        place = Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        return _error(codes.YAML_SYNTAX, f"{error.reason} (character {error.character:#04x})", place)
    return _error(codes.YAML_SYNTAX, str(error), Place(file, 1, 1))


class _UnsupportedYaml(Exception):
    """Ends the reading of one document; carries what to report."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.diagnostic = _error(codes.UNSUPPORTED_YAML, message, place)


class _DocumentReader:
    """Turns the nodes of one document into sources."""

    def __init__(self, file: str, report: Report) -> None:
        self._file = file
        self._report = report
        self._values_left = _MAX_VALUES

    def read(self, root: Node) -> Iterator[SourceMap]:
        """Yield the document, or nothing when it is empty or cannot be read."""
        try:
            document = self._source(root, 0)
        except _UnsupportedYaml as unsupported:
            self._report(unsupported.diagnostic)
            return
        if isinstance(document, SourceMap):
            yield document
        elif document is not None:
            message = "a document is a mapping that begins with kind and name"
            self._report(_error(codes.MISSING_KIND, message, self._place(root)))

    def _place(self, node: Node) -> Place:
        mark = node.start_mark
        return Place(self._file, mark.line + 1, mark.column + 1)

    def _source(self, node: Node, depth: int) -> Source:
        self._values_left -= 1
        if depth > _MAX_DEPTH:
            raise _UnsupportedYaml("nested too deeply, or an alias that contains itself", self._place(node))
        if self._values_left < 0:
            raise _UnsupportedYaml("too many values in one document", self._place(node))
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if isinstance(node, MappingNode) and node.tag in (_QUOTED, _TAG + "map"):
            return self._mapping(node, depth)
        if isinstance(node, SequenceNode) and node.tag in (_QUOTED, _TAG + "seq"):
            items = [self._source(item, depth + 1) for item in node.value]
            return SourceList(items, self._place(node), [self._place(item) for item in node.value])
        raise self._unsupported_tag(node)

    def _unsupported_tag(self, node: Node) -> _UnsupportedYaml:
        return _UnsupportedYaml(f"tags such as {node.tag} are not used in declarations", self._place(node))

    def _scalar(self, node: ScalarNode) -> Source:
        if node.tag not in _TEXT_TAGS:
            raise self._unsupported_tag(node)
        text: str = node.value
        if "${" in text and has_reference(text):
            return Reference(text, self._place(node))
        if node.tag in (_QUOTED, _TAG + "str"):
            return text
        return None if text in _NOTHING else Plain(text)

    def _mapping(self, node: MappingNode, depth: int) -> SourceMap:
        mapping = SourceMap(self._place(node))
        merged: list[SourceMap] = []
        for key_node, value_node in node.value:
            key_place = self._place(key_node)
            if not isinstance(key_node, ScalarNode):
                raise _UnsupportedYaml("a key must be a text", key_place)
            key: str = key_node.value
            value = self._source(value_node, depth + 1)
            if key == "<<" and key_node.tag == _PLAIN:
                merged += self._merged(value, key_place)
            elif key in mapping:
                first = mapping.key_places[key]
                message = f'"{key}" stands twice in this mapping, first in line {first.line}'
                self._report(_error(codes.DUPLICATE_KEY, message, key_place))
            else:
                mapping.put(key, value, key_place, self._place(value_node))
        return _with_merged(mapping, merged)

    def _merged(self, value: Source, place: Place) -> list[SourceMap]:
        values = value if isinstance(value, SourceList) else [value]
        maps = [item for item in values if isinstance(item, SourceMap)]
        if len(maps) < len(values):
            raise _UnsupportedYaml("<< takes a mapping or a list of mappings", place)
        return maps


def _with_merged(mapping: SourceMap, merged: list[SourceMap]) -> SourceMap:
    """Add what `<<` brings in: the mapping's own keys win, then the earlier of the merged mappings."""
    for other in merged:
        for key, value in other.items():
            if key not in mapping:
                mapping.put(key, value, other.key_places[key], other.value_places[key])
    return mapping
