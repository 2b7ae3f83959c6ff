"""The documentation says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas import codes
from schemas.entry import KINDS

DOCS = Path(__file__).parents[2] / "docs"


def test_every_code_is_explained_and_every_explained_code_exists() -> None:
    headings = dict(
        re.findall(r"^### (TM\d{3}) (.+)$", (DOCS / "errors.md").read_text("utf-8"), re.MULTILINE)
    )
    assert headings == codes.MEANINGS


def test_every_code_has_its_own_number() -> None:
    named = [value for name, value in vars(codes).items() if name.isupper() and isinstance(value, str)]
    assert sorted(named) == sorted(set(named)) == sorted(codes.MEANINGS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_documented(kind: str) -> None:
    text = (DOCS / "declarations.md").read_text("utf-8")
    section = text.split(f"\n## {kind}\n")[1].split("\n## ")[0]
    documented = set(re.findall(r"`(\w+)`", section))
    assert set(KINDS[kind].model_fields) - {"name"} <= documented
