"""What came of each lead, as a spreadsheet opens it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cli.campaign_view import RESULT_COLUMNS, write_results

ROW = {**dict.fromkeys(RESULT_COLUMNS), "own_id": None, "number": "+14155550123"}


def written(path: Path, **cells: str) -> dict[str, str]:
    assert write_results(path, [{**ROW, **cells}]) == 1
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    return row


@pytest.mark.parametrize("begins", ["=", "@", "+", "-", "\t", "\r", "\n"])
def test_no_cell_is_a_formula_to_a_spreadsheet(tmp_path: Path, begins: str) -> None:
    cell = f"{begins}1+cmd|' /C calc'!A0"
    row = written(tmp_path / "out.csv", own_id=cell, detail=cell)
    assert row["id"] == row["detail"] == f"'{cell}"


def test_a_number_stays_as_it_is(tmp_path: Path) -> None:
    assert written(tmp_path / "out.csv")["number"] == "+14155550123"
