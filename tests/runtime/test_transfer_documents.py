"""What a person hears before a transfer, within the limits of the carrier and of the caller's patience."""

from __future__ import annotations

from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from runtime.call.stream_link import LONGEST_AWAY
from runtime.call.tools.built_in import MOST_SUMMARY_CHARACTERS
from runtime.call.transfer_steps import Document
from runtime.transfers.documents import QUESTION, Papers, Places, brief_seconds
from schemas.transfer import Transfer

PLACES = Places("https://node.example", "https://agents.example", "front-desk", "t0k3n")
LONGEST_RINGING = 120


def spoken(brief: str) -> list[str]:
    person = Transfer.model_validate({"number": "+14155550177", "mode": "warm"})
    papers = Papers(PLACES, person, "+14155550123", "room", brief, "ru-RU", 0)
    document = ElementTree.fromstring(papers.render(Document.BRIEF))
    return [say.text or "" for say in document.iter("Say")]


@pytest.mark.parametrize("letter", ["a", "ж", "語", "🙂"])
def test_the_longest_summary_is_told_whole_and_each_part_within_twilios_limits(letter: str) -> None:
    brief = " ".join([letter * 9] * (MOST_SUMMARY_CHARACTERS // 10))
    *parts, question = spoken(brief)
    assert question == QUESTION
    assert " ".join(parts) == brief
    assert all(len(part.encode()) <= 3_000 and len(quote(part)) <= 4_500 for part in parts)


def test_the_longest_summary_to_the_most_patient_person_ends_before_the_caller_is_given_up() -> None:
    assert LONGEST_RINGING + brief_seconds("x" * MOST_SUMMARY_CHARACTERS) < LONGEST_AWAY / 1.5


def test_a_brief_is_text_whatever_is_in_it() -> None:
    assert spoken("</Say><Hangup/> & \x00 5 < 6")[0] == "</Say><Hangup/> &  5 < 6"
