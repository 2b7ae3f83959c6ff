"""The body by which other systems add leads: a list, of texts that a database can keep."""

from __future__ import annotations

import pytest
from starlette.exceptions import HTTPException

from runtime.routes.campaigns import leads_in


def test_leads_are_rows_that_are_counted_from_nought() -> None:
    rows = leads_in('{"leads": [{"number": "+14155550123", "name": "Zoë"}, {"id": "🙂"}]}'.encode())
    assert [(row.line, dict(row.cells)) for row in rows] == [
        (0, {"number": "+14155550123", "name": "Zoë"}),
        (1, {"id": "🙂"}),
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is JSON"),
        (b'{"leads": {}}', "the body is JSON"),
        (b"[" * 60_000, "the body is JSON"),
        (b'{"leads": [{"id": "\\ud800"}]}', "no database keeps"),
        (b'{"leads": [{"\\udc00": "x"}]}', "no database keeps"),
        (b'{"leads": [{"name": "A\\u0000na"}]}', "no database keeps"),
    ],
)
def test_what_is_no_list_of_leads_or_cannot_be_kept_is_the_senders_mistake(body: bytes, words: str) -> None:
    with pytest.raises(HTTPException, match=words) as refused:
        leads_in(body)
    assert refused.value.status_code == 422
