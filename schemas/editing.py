"""Changes the text of declarations in place: values are set, numbers are added, all else stays to the letter.

A document is composed for the positions of its values, and only these spans of the text are replaced.
Comments, quotes, order, blank lines and line ends around them are so never touched. The new text is then
read as the loader reads it, and refused unless it declares exactly what was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from schemas.edit_check import require_meaning
from schemas.edits import AddNumbers, CannotEdit, Edit, EditT, SetValues, Values
from schemas.places import Place
from schemas.references import has_reference
from schemas.writing import flow_mapping, list_lines, mapping_lines, scalar

# Composing is all that is done with it: no value is ever constructed, so no tag can do anything.
_COMPOSER = yaml.CSafeLoader


@dataclass(frozen=True, slots=True)
class _Splice:
    """Replaces the characters from `start` up to `end`."""

    start: int
    end: int
    text: str


def edited(text: str, file: str, edits: Sequence[Edit]) -> str:
    """Return the text of `file` with all edits made.

    Raises CannotEdit when one of them cannot be made, naming its place where it has one.
    """
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(bom)
    editor = _Editor(text, file, _agents(text, file))
    splices = [splice for edit in edits for splice in editor.splices(edit)]
    result = _spliced(text, splices)
    require_meaning(text, result, file, edits)
    return bom + result


def possible_edits(
    text: str, file: str, edits: Sequence[EditT]
) -> tuple[list[EditT], list[tuple[EditT, CannotEdit]]]:
    """Return the edits that can be made, and each other one with the reason."""
    text = text.removeprefix("\ufeff")
    editor = _Editor(text, file, _agents(text, file))
    possible: list[EditT] = []
    impossible: list[tuple[EditT, CannotEdit]] = []
    for edit in edits:
        try:
            list(editor.splices(edit))
            possible.append(edit)
        except CannotEdit as error:
            impossible.append((edit, error))
    return possible, impossible


def _agents(text: str, file: str) -> dict[str, MappingNode]:
    """Return the mapping of each Agent document by its name."""
    try:
        roots = list(yaml.compose_all(text, Loader=_COMPOSER))
    except yaml.YAMLError as error:
        raise CannotEdit(f"{file} is not valid YAML") from error
    return {
        _text_of(root, "name"): root
        for root in roots
        if isinstance(root, MappingNode) and _text_of(root, "kind") == "Agent"
    }


class _Editor:
    """Finds out which spans of a text an edit replaces."""

    def __init__(self, text: str, file: str, agents: Mapping[str, MappingNode]) -> None:
        self._text = text
        self._file = file
        self._agents = agents
        self._newline = "\r\n" if "\r\n" in text else "\n"

    def splices(self, edit: Edit) -> Iterator[_Splice]:
        agent = self._agents.get(edit.agent)
        if agent is None:
            raise CannotEdit(f"{self._file} does not declare agent {edit.agent!r}")
        if isinstance(edit, SetValues):
            yield from self._set_values(agent, edit)
        else:
            yield from self._add_numbers(agent, edit)

    def _set_values(self, agent: MappingNode, edit: SetValues) -> Iterator[_Splice]:
        numbers = _value(agent, "numbers")
        in_block = isinstance(numbers, SequenceNode) and not numbers.flow_style
        for entry in _entries(numbers):
            if isinstance(entry, ScalarNode) and entry.value == edit.number:
                yield from self._spelled_out(entry, edit.values, in_block=in_block)
                return
            if isinstance(entry, MappingNode) and _text_of(entry, "number") == edit.number:
                yield from self._set_in_mapping(entry, edit.values)
                return
        raise CannotEdit(f"{self._file} does not name {edit.number} where it declares agent {edit.agent!r}")

    def _spelled_out(self, entry: ScalarNode, values: Values, *, in_block: bool) -> Iterator[_Splice]:
        """Turn an entry that is only a number into a mapping."""
        self._require_literal(entry)
        start, end = _span(entry)
        if in_block:
            yield _Splice(start, start, "number: ")
            yield self._lines_after(end, mapping_lines(values), entry.start_mark.column)
        else:
            yield _Splice(start, start, "{number: ")
            yield _Splice(end, end, f", {flow_mapping(values)[1:]}")

    def _set_in_mapping(self, entry: MappingNode, values: Values) -> Iterator[_Splice]:
        """Replace the values that are there, and add the others."""
        for key, value in values.items():
            if (old := _value(entry, key)) is not None:
                yield self._replaced(old, value)
        added = {key: value for key, value in values.items() if _value(entry, key) is None}
        if added and entry.flow_style:
            end = entry.value[-1][1].end_mark.index
            yield _Splice(end, end, f", {flow_mapping(added)[1:-1]}")
        elif added:
            number = _value(entry, "number")
            assert number is not None, "the entry was found by its number"
            yield self._lines_after(_span(number)[1], mapping_lines(added), entry.start_mark.column)

    def _replaced(self, old: Node, value: str | bool) -> _Splice:
        self._require_literal(old)
        start, end = _span(old)
        space = " " if start == end else ""
        newline = self._newline if self._text[start:end].endswith("\n") else ""
        return _Splice(start, end, f"{space}{scalar(value)}{newline}")

    def _require_literal(self, node: Node) -> None:
        """Leave alone what is computed elsewhere: a reference says where the value really stands."""
        if not isinstance(node, ScalarNode) or has_reference(node.value):
            place = Place(self._file, node.start_mark.line + 1, node.start_mark.column + 1)
            raise CannotEdit("the value is a reference; change it where it comes from", place=place)

    def _add_numbers(self, agent: MappingNode, edit: AddNumbers) -> Iterator[_Splice]:
        numbers = _value(agent, "numbers")
        entries = _entries(numbers)
        if len(entries) != edit.known:
            raise CannotEdit(f"the numbers of agent {edit.agent!r} do not all stand in its own document")
        if numbers is None:
            yield self._new_list(agent, edit.entries)
        elif not entries or isinstance(numbers, ScalarNode):
            yield from self._bracketed(numbers, edit.entries, is_empty=not entries)
        elif not isinstance(numbers, SequenceNode):
            raise CannotEdit(f"agent {edit.agent!r} has one number only; make a list of it first")
        elif numbers.flow_style:
            end = numbers.value[-1].end_mark.index
            yield _Splice(end, end, "".join(f", {_flow_entry(entry)}" for entry in edit.entries))
        else:
            end = _last_scalar(numbers).end_mark.index
            yield self._lines_after(end, list_lines(edit.entries, "number"), numbers.start_mark.column)

    def _new_list(self, agent: MappingNode, entries: Sequence[Values]) -> _Splice:
        """Begin a list below the name."""
        name = _value(agent, "name")
        assert name is not None, "the agent was found by its name"
        if agent.flow_style:
            end = name.end_mark.index
            return _Splice(end, end, f", numbers: {_flow_list(entries)}")
        lines = ["numbers:", *(f"  {line}" for line in list_lines(entries, "number"))]
        return self._lines_after(name.end_mark.index, lines, agent.start_mark.column)

    def _bracketed(self, numbers: Node, entries: Sequence[Values], *, is_empty: bool) -> Iterator[_Splice]:
        """Make a list of nothing, or of a single number."""
        start, end = _span(numbers)
        if is_empty:
            yield _Splice(start, end, f"{' ' if start == end else ''}{_flow_list(entries)}")
        else:
            yield _Splice(start, start, "[")
            yield _Splice(end, end, f", {_flow_list(entries)[1:]}")

    def _lines_after(self, index: int, lines: Sequence[str], column: int) -> _Splice:
        """Insert whole lines below the line on which the value that ends at `index` ends."""
        text = self._text
        if text[index - 1] == "\n":
            end = index - 1
        else:
            end = text.find("\n", index)
            end = len(text) if end < 0 else end
        if text[end - 1] == "\r":
            end -= 1
        return _Splice(end, end, "".join(f"{self._newline}{' ' * column}{line}" for line in lines))


def _span(node: Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index


def _value(mapping: MappingNode, key: str) -> Node | None:
    return next((value for name, value in mapping.value if name.value == key), None)


def _text_of(mapping: MappingNode, key: str) -> str:
    value = _value(mapping, key)
    return value.value if isinstance(value, ScalarNode) else ""


def _entries(numbers: Node | None) -> list[Node]:
    """Return the entries of a `numbers` field, which may be written without the list around them."""
    if isinstance(numbers, SequenceNode):
        return list(numbers.value)
    if numbers is None or (isinstance(numbers, ScalarNode) and numbers.value in ("", "~", "null")):
        return []
    return [numbers]


def _last_scalar(node: Node) -> Node:
    """Return the last thing written in a block: the block's own end lies behind the comments that follow."""
    while isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node


def _flow_entry(entry: Values) -> str:
    return scalar(entry["number"]) if len(entry) == 1 else flow_mapping(entry)


def _flow_list(entries: Sequence[Values]) -> str:
    return f"[{', '.join(_flow_entry(entry) for entry in entries)}]"


def _spliced(text: str, splices: Sequence[_Splice]) -> str:
    parts = []
    done = 0
    for splice in sorted(splices, key=lambda splice: (splice.start, splice.end)):
        if splice.start < done:
            raise CannotEdit("two changes touch the same place")
        parts += [text[done : splice.start], splice.text]
        done = splice.end
    return "".join([*parts, text[done:]])
