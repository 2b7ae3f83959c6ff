"""What somebody is told who waits for a campaign, where there is no bar to look at."""

from __future__ import annotations

from cli.campaign_progress import Telling
from runtime.outbound.progress import LeadState, Progress


def at(finished: int, *, dialling: int = 0, calls: int = 0) -> Progress:
    left = 10 - finished - dialling
    states: dict[LeadState, int] = {"backlog": left, "dialling": dialling, "finished": finished}
    return Progress(states, {"completed": finished}, calls=calls)


def test_progress_is_a_line_when_it_is_news_and_the_end_is_told_at_once() -> None:
    telling = Telling("spring")
    told = [telling.line(at(finished), second) for second, finished in enumerate([0, 0, 1, *[2] * 8, 10])]
    assert [line.split(" finished")[0] if line else None for line in told] == [
        "0 of 10",
        *[None] * 9,
        "2 of 10",
        "10 of 10",
    ]


def test_who_waits_while_nobody_is_called_is_told_once_what_that_may_come_from() -> None:
    telling = Telling("spring")
    told = [telling.silence(at(0), second) for second in range(60)]
    (only,) = [line for line in told if line]
    assert told.index(only) == 15
    assert "`tm serve`" in only
    assert "tm campaign run spring --dry-run" in only


def test_nothing_is_said_of_silence_while_calls_are_placed_or_under_way() -> None:
    telling = Telling("spring")
    placed = [telling.silence(at(0, calls=second // 10), second) for second in range(60)]
    under_way = [telling.silence(at(0, dialling=1, calls=6), second) for second in range(60, 120)]
    then = [telling.silence(at(1, calls=6), second) for second in range(120, 180)]
    assert not any(placed + under_way)
    assert len([line for line in then if line]) == 1
