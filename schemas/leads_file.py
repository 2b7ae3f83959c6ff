"""The form of a list of leads: CSV with a header, or JSON lines. What its cells mean is not looked at here.

Lists come out of spreadsheets and customer databases: with a byte order mark, with semicolons where the comma
is for decimals, with quoted line breaks. They may be long, so rows are read one at a time.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

JSON_LINES: Final = (".jsonl", ".ndjson")

NUMBER: Final = "number"
TIME_ZONE: Final = "time_zone"
OWN_ID: Final = "id"
RESERVED: Final = (NUMBER, TIME_ZONE, OWN_ID)
"""Columns with a meaning of their own; every other one is a variable of the agent."""

_LONGEST_LINE: Final = 1_000_000
_DELIMITERS: Final = (",", ";", "\t", "|")


class LeadsFileProblem(Exception):
    """A list that cannot be read at all, or not beyond `line`; the text says why, without the file's name."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Row:
    """One lead as it stands in the file: the line that it begins in, and its cells by column, trimmed.

    `problem` says in words why the row is none; its cells are then those that could be read.
    """

    line: int
    cells: Mapping[str, str]
    problem: str | None = None


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the columns of a list: its header, or the keys of its first JSON object.

    Raises:
        FileNotFoundError: there is no such file.
        LeadsFileProblem: it cannot be read, or has no header.
    """
    with _opened(path) as file:
        if path.suffix.lower() in JSON_LINES:
            first = next(_json_rows(file), None)
            if first is not None and first.problem is not None:
                raise LeadsFileProblem(first.problem, first.line)
            return tuple(first.cells) if first is not None else ()
        return _header(file)[0]


def rows_of(path: Path) -> Iterator[Row]:
    """Yield the rows of a list, one at a time; empty ones are passed over.

    Raises:
        FileNotFoundError: there is no such file.
        LeadsFileProblem: it cannot be read, or not beyond a line.
    """
    with _opened(path) as file:
        yield from _json_rows(file) if path.suffix.lower() in JSON_LINES else _csv_rows(file)


def _opened(path: Path) -> TextIO:
    try:
        if path.exists() and not path.is_file():
            raise LeadsFileProblem("is not a file")
        return path.open(encoding="utf-8-sig", newline="")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise LeadsFileProblem(f"cannot be read: {error.strerror}") from None


def _lines(file: TextIO) -> Iterator[str]:
    """Yield the lines of a file. Raises `LeadsFileProblem` for one that is no text, or far too long."""
    number = 0
    try:
        while line := file.readline(_LONGEST_LINE):
            number += 1
            if len(line) == _LONGEST_LINE:
                raise LeadsFileProblem("the line is longer than a million characters", number)
            yield line
    except UnicodeDecodeError:
        raise LeadsFileProblem("is not UTF-8 text near here; save it as CSV UTF-8", number + 1) from None
    except OSError as error:
        raise LeadsFileProblem(f"cannot be read: {error.strerror}", number + 1) from None


def _header(file: TextIO) -> tuple[tuple[str, ...], Iterator[tuple[int, list[str]]]]:
    """Return the columns of a CSV file and its further records, each with the line that it begins in."""
    lines = _lines(file)
    first = next(lines, "")
    delimiter = max(_DELIMITERS, key=first.count)
    columns = tuple(cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), []))
    if not any(columns):
        raise LeadsFileProblem("has no header; its first line names the columns")
    twice = next((column for column in columns if column and columns.count(column) > 1), None)
    if twice is not None:
        raise LeadsFileProblem(f'has two columns "{twice}"')
    return columns, _records(lines, delimiter)


def _records(lines: Iterator[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line that it begins in; a quoted cell may span several."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    begins = 2
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise LeadsFileProblem(f"is not CSV from here on: {error}", begins) from None
        if cells is None:
            return
        yield begins, cells
        begins = 2 + reader.line_num


def _csv_rows(file: TextIO) -> Iterator[Row]:
    columns, records = _header(file)
    for line, cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        problem = None
        if any(cell.strip() for cell in cells[len(columns) :]):
            problem = f"there are {len(cells)} cells, but {len(columns)} columns"
        named = zip(columns, cells, strict=False)
        yield Row(line, {column: cell.strip() for column, cell in named if column}, problem)


def _json_rows(file: TextIO) -> Iterator[Row]:
    for line, text in enumerate(_lines(file), 1):
        if text.strip():
            yield _json_row(line, text)


def _json_row(line: int, text: str) -> Row:
    try:
        return json_row(line, json.loads(text))
    except (ValueError, RecursionError):
        return Row(line, {}, "the line is not JSON")


def json_row(line: int, written: object) -> Row:
    """Return the row that a JSON object stands for."""
    if not isinstance(written, dict):
        return Row(line, {}, 'the line is not a JSON object such as {"number": "+14155550123"}')
    cells, problem = {}, None
    for key, value in written.items():
        if isinstance(value, dict | list):
            problem = f'"{key}" is neither a text nor a number'
        else:
            cells[key.strip()] = _text(value)
    return Row(line, cells, problem)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).strip()
