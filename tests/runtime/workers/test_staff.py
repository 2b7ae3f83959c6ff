"""When a worker that ended is started again, and when it is given up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runtime.workers.staff import LONGEST_PAUSE_SECONDS, MOST_FAILURES, STEADY_SECONDS, TOLD, Staff

KILLED = -9
STEADY = STEADY_SECONDS


def complete_staff(count: int = 2) -> Staff:
    """Workers that have all been ready once, at 0 s."""
    staff = Staff(count)
    for worker in range(count):
        staff.ready(worker, 0.0)
    return staff


def test_the_staff_is_complete_once() -> None:
    staff = Staff(2)
    assert not staff.ready(1, 0.0)
    assert staff.ready(0, 1.0)
    staff.ended(0, KILLED, STEADY + 1.0)
    assert not staff.ready(0, STEADY + 2.0)


def test_a_worker_that_has_served_starts_again_at_once() -> None:
    assert complete_staff().ended(0, KILLED, STEADY) == 0.0


def test_a_worker_that_keeps_ending_soon_is_started_ever_more_seldom_while_another_answers() -> None:
    staff = complete_staff()
    pauses = [staff.ended(0, TOLD, 1.0) for _ in range(9)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_worker_that_lasted_again_has_no_failures_any_more() -> None:
    staff = complete_staff()
    for _ in range(3):
        staff.ended(0, KILLED, 1.0)
    staff.ready(0, 10.0)
    assert staff.ended(0, KILLED, 10.0 + STEADY) == 0.0
    assert staff.ended(0, KILLED, 11.0 + STEADY) == 0.5


def test_workers_that_all_keep_ending_are_given_up() -> None:
    staff = complete_staff()
    fates = [staff.ended(worker, KILLED, 1.0) for _ in range(MOST_FAILURES) for worker in (0, 1)]
    assert all(pause is not None for pause in fates[:-2])
    assert fates[-2:] == [None, None]
    assert staff.failures(0) == MOST_FAILURES


def test_a_worker_that_says_what_is_wrong_at_the_first_start_is_not_asked_again() -> None:
    staff = Staff(2)
    staff.ready(1, 0.0)
    assert staff.ended(0, TOLD, 1.0) is None


def test_a_worker_that_is_killed_at_the_first_start_is_tried_again() -> None:
    assert Staff(2).ended(0, KILLED, 1.0) == 0.5


@given(st.integers(MOST_FAILURES, 5_000))
def test_pauses_stay_bounded_for_ever(failures: int) -> None:
    staff = complete_staff()
    pauses = [staff.ended(0, KILLED, 1.0) for _ in range(failures)]
    assert pauses[-1] is not None
    assert pauses[-1] <= LONGEST_PAUSE_SECONDS
