"""How far a campaign is, as it is told to people."""

from __future__ import annotations

from runtime.outbound.progress import Progress


def test_the_line_counts_what_is_over_by_outcome_and_what_is_not_by_state() -> None:
    progress = Progress(
        {"backlog": 30, "dialling": 3, "retry": 5, "finished": 12},
        {"completed": 8, "no_answer": 3, "busy": 1},
        calls_last_minute=58,
    )
    assert progress.line() == (
        "12 of 50 finished: 8 completed, 3 no answer, 1 busy; 30 waiting; 3 dialling; 5 to be called again; "
        "58 calls/min"
    )
    assert (progress.reached, progress.is_over) == (8, False)


def test_a_campaign_is_over_when_every_lead_is() -> None:
    assert Progress({"finished": 2}, {"completed": 2}).is_over
    assert Progress({}).is_over
    assert Progress({}).line() == "0 of 0 finished; 0 calls/min"
