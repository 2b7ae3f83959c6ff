"""How the number of requests under way follows what the account takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.congestion import FIRST_LIMIT, REMEMBERED_SECONDS, Congestion, Sent

ROUND_TRIP = 0.05


@dataclass
class SimulatedAccount:
    """An account that takes `ceiling` requests at once, `others` of them somebody else's."""

    ceiling: int
    others: int = 0
    tells: bool = True
    now: float = 0.0
    refusals: int = 0
    limits: list[int] = field(default_factory=list)

    def round_trip(self, congestion: Congestion) -> None:
        """Let every place be used once: who leaves is followed at once, so that all see a full house."""
        limit = congestion.limit
        began, self.now = self.now, self.now + ROUND_TRIP
        taken = min(limit, max(0, self.ceiling - self.others))
        for place in range(limit):
            sent = Sent(began, limit)
            if place < taken:
                congestion.answered(sent, self.now, self._told(taken + self.others))
            else:
                self.refusals += 1
                congestion.refused(sent, self.now, self._told(self.ceiling + 1))
        self.limits.append(congestion.limit)

    def _told(self, concurrent: int) -> int | None:
        return concurrent if self.tells else None


def test_it_starts_at_eight_and_grows_by_one_per_round_trip() -> None:
    congestion, account = Congestion(), SimulatedAccount(1000)
    assert congestion.limit == FIRST_LIMIT == 8
    for _ in range(10):
        account.round_trip(congestion)
    assert congestion.limit == 18


def test_a_429_halves_it_once_per_round_trip() -> None:
    congestion = Congestion()
    for place in range(4):
        congestion.refused(Sent(0.0, place), 0.05, None)
    assert congestion.limit == 4
    congestion.refused(Sent(0.1, 4), 0.15, None)
    assert congestion.limit == 2


def test_it_is_never_below_one() -> None:
    congestion = Congestion()
    for second in range(20):
        congestion.refused(Sent(float(second), 1), second + 0.05, None)
    assert congestion.limit == 1


def test_the_cap_from_outside_holds_from_the_start() -> None:
    congestion, account = Congestion(most=3), SimulatedAccount(1000)
    for _ in range(50):
        account.round_trip(congestion)
    assert max(account.limits) == congestion.limit == 3


def test_a_ceiling_is_met_once_and_then_kept_to() -> None:
    congestion, account = Congestion(), SimulatedAccount(20)
    for _ in range(200):
        account.round_trip(congestion)
    assert account.refusals == 1
    assert account.limits[-100:] == [20] * 100


def test_what_others_have_under_way_counts() -> None:
    congestion, account = Congestion(), SimulatedAccount(20, others=12)
    for _ in range(200):
        account.round_trip(congestion)
    assert account.limits[-1] == 8
    assert account.refusals <= 2


def test_a_ceiling_is_tried_again_after_a_while() -> None:
    congestion, account = Congestion(), SimulatedAccount(20)
    for _ in range(100):
        account.round_trip(congestion)
    account.ceiling = 40
    account.now += REMEMBERED_SECONDS
    for _ in range(100):
        account.round_trip(congestion)
    assert account.limits[-1] == 40


def test_an_account_that_is_asked_little_says_nothing_about_a_busy_one() -> None:
    congestion = Congestion()
    for second in range(100):
        congestion.answered(Sent(float(second), 2), second + 0.05, 2)
    assert congestion.limit == FIRST_LIMIT


@given(
    ceiling=st.integers(1, 80),
    others=st.integers(0, 20),
    most=st.integers(1, 64),
    tells=st.booleans(),
)
def test_it_ends_close_to_what_the_account_takes(ceiling: int, others: int, most: int, tells: bool) -> None:
    congestion, account = Congestion(most), SimulatedAccount(ceiling + others, others, tells)
    for _ in range(300):
        account.round_trip(congestion)
    assert all(1 <= limit <= most for limit in account.limits)
    assert account.limits[-1] == min(ceiling, most)
