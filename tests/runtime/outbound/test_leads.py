"""Lists of people: what is a lead, and what is refused, with its line."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from runtime.outbound.leads import (
    BadNumber,
    Lead,
    LeadTerms,
    RefusedLead,
    dialled_number,
    lead_id,
    read_do_not_call,
    read_leads,
)
from schemas import TmError
from schemas.variables import Variable

CALLER = "+14155550100"
VARIABLES = {"name": Variable(required=True), "greeting": Variable(default="Hello")}
TERMS = LeadTerms(CALLER, VARIABLES)


def read(folder: Path, text: str | bytes, terms: LeadTerms = TERMS, name: str = "leads.csv") -> list[Lead]:
    """Return the leads of a list in which every row is one."""
    leads = all_of(folder, text, terms, name)
    assert all(isinstance(lead, Lead) for lead in leads), leads
    return [lead for lead in leads if isinstance(lead, Lead)]


def refused(folder: Path, text: str, terms: LeadTerms = TERMS, name: str = "leads.csv") -> list[RefusedLead]:
    return [lead for lead in all_of(folder, text, terms, name) if isinstance(lead, RefusedLead)]


def all_of(folder: Path, text: str | bytes, terms: LeadTerms, name: str) -> list[Lead | RefusedLead]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_leads(path, terms))


def test_a_row_is_a_person_with_everything_that_the_agent_is_told(tmp_path: Path) -> None:
    text = "id,number,name,time_zone\nc-1,+14155550123,Ana,America/New_York\n"
    assert read(tmp_path, text) == [
        Lead(2, "+14155550123", {"name": "Ana", "greeting": "Hello"}, "America/New_York", "c-1")
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfnumber,name\r\n+14155550123,Ana\r\n",
        b"number;name\n+14155550123;Ana\n",
        b"number\tname\n+14155550123\tAna\n",
        b" number , name \n +14155550123 , Ana \n",
        b'"number","name"\n"+1 (415) 555-0123","Ana"\n',
        b"name,number\nAna,415 555 0123\n\n",
        b"name,number,\nAna,4155550123,\n,,\n",
    ],
)
def test_a_list_comes_as_spreadsheets_write_it(tmp_path: Path, text: bytes) -> None:
    (lead,) = read(tmp_path, text)
    assert (lead.number, lead.variables["name"]) == ("+14155550123", "Ana")


def test_json_lines_are_leads_too(tmp_path: Path) -> None:
    rows = [{"number": "+14155550123", "name": "Ana"}, {"number": 14155550124, "name": True, "id": None}]
    text = "\n\n".join(json.dumps(row) for row in rows)
    leads = read(tmp_path, text, name="leads.jsonl")
    assert [(lead.line, lead.number, lead.variables["name"], lead.own_id) for lead in leads] == [
        (1, "+14155550123", "Ana", None),
        (3, "+14155550124", "true", None),
    ]


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        (",Ana", "the number is missing"),
        ("12,Ana", '"12" is no phone number'),
        ("+1415555012,Ana", '"+1415555012" is no phone number'),
        ("4.15556E+09,Ana", '"4.15556E+09" is no phone number'),
        ("anonymous,Ana", '"anonymous" is no phone number'),
        ("+99955501234,Ana", '"+99955501234" is no phone number'),
        ("+14155550123,", "name is needed"),
        ("+14155550123,Ana,More", "there are 3 cells, but 2 columns"),
    ],
)
def test_a_row_that_nobody_can_be_called_for_is_refused_with_its_line(
    tmp_path: Path, row: str, detail: str
) -> None:
    (lead,) = refused(tmp_path, f"number,name\n+14155550199,Bo\n{row}\n")
    assert (lead.line, lead.reason, lead.detail) == (3, "invalid", detail)


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ("[1]", "the line is not a JSON object"),
        ("{", "the line is not JSON"),
        ('{"number": "+14155550123", "name": {"first": "Ana"}}', '"name" is neither a text nor a number'),
        ('{"number": "+14155550123", "nmae": "Ana"}', 'no variable "nmae"; did you mean "name"?'),
        ('{"number": "+14155550123", "name": "Ana", "time_zone": "Mars/Base"}', 'time zone "Mars/Base"'),
    ],
)
def test_a_json_line_that_is_no_lead_is_refused(tmp_path: Path, row: str, detail: str) -> None:
    (lead,) = refused(tmp_path, row + "\n", name="leads.jsonl")
    assert (lead.line, lead.reason) == (1, "invalid")
    assert detail in lead.detail


def test_a_person_is_in_a_list_once_however_the_number_is_written(tmp_path: Path) -> None:
    (lead,) = refused(tmp_path, "number,name\n+14155550123,Ana\n(415) 555-0123,Ann\n")
    assert (lead.line, lead.reason) == (3, "duplicate")
    assert lead.detail == "+14155550123 stands in line 2 already"


def test_lines_are_counted_as_an_editor_does_where_a_cell_has_several(tmp_path: Path) -> None:
    text = 'number,name\n+14155550123,"Ana\nMaria"\nnobody,Bo\n'
    first, second = all_of(tmp_path, text, TERMS, "leads.csv")
    assert isinstance(first, Lead)
    assert first.variables["name"] == "Ana\nMaria"
    assert (first.line, second.line) == (2, 4)


def test_nobody_who_is_never_to_be_called_becomes_a_lead(tmp_path: Path) -> None:
    never = tmp_path / "never.csv"
    never.write_text("number,since\n(415) 555-0123,2026-01-01\n")
    terms = LeadTerms(CALLER, VARIABLES, read_do_not_call([never], CALLER))
    (lead,) = refused(tmp_path, "number,name\n+14155550123,Ana\n+14155550124,Bo\n", terms)
    assert (lead.line, lead.reason, lead.number) == (2, "do_not_call", "+14155550123")


def test_a_list_of_numbers_never_to_call_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    never = tmp_path / "never.csv"
    with pytest.raises(TmError, match="there is no file"):
        read_do_not_call([never], CALLER)
    never.write_text("number\n+14155550123\n555\n")
    with pytest.raises(TmError, match=r"never\.csv:3 \"555\" is no phone number"):
        read_do_not_call([never], CALLER)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"number,name\n+14155550123,Ana\n+14155550124,\xff\n", r"leads\.csv:\d is not UTF-8 text near here"),
        (b'number,name\n+14155550123,"Ana\n', r"leads\.csv:2 is not CSV from here on"),
        (b"\n+14155550123\n", r"leads\.csv:1 has no header"),
        (b"number,name\n" + b"1" * 1_000_001, r"leads\.csv:2 the line is longer"),
    ],
)
def test_a_list_that_cannot_be_read_on_says_from_which_line(
    tmp_path: Path, content: bytes, error: str
) -> None:
    with pytest.raises(TmError, match=error):
        all_of(tmp_path, content, TERMS, "leads.csv")


def test_a_missing_list_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(TmError, match="there is no file"):
        list(read_leads(tmp_path / "leads.csv", TERMS))


def test_a_national_number_is_read_as_it_is_dialled_where_the_call_comes_from() -> None:
    assert dialled_number("020 7946 0123", "+442079460100") == "+442079460123"
    with pytest.raises(BadNumber):
        dialled_number("020 7946 0123", CALLER)


def test_a_lead_is_known_by_the_same_name_again_and_its_number_is_not_in_it() -> None:
    name = lead_id("spring", "+14155550123")
    assert name == lead_id("spring", "+14155550123")
    assert name not in {lead_id("autumn", "+14155550123"), lead_id("spring", "+14155550124")}
    assert "5550123" not in name


def test_a_long_list_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    with path.open("w") as file:
        file.write("number,name\n")
        file.writelines(f"+1415{number},Somebody\n" for number in range(2_000_000, 2_005_000))
    tracemalloc.start()
    try:
        count = sum(isinstance(lead, Lead) for lead in read_leads(path, TERMS))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 5_000
    assert peak < 200 * count  # the numbers themselves, and nothing that grows with what else is in a row
