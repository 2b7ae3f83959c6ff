"""What the reconcile loop decides, without I/O: what is news, what may be healed, when to look again.

Only drift of agents that ask for it (`heal: true`) is healed. A conflict never is: there the file changed
as well, and a person has to look. A check that failed decides nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from reconciler.drift.drifted import drift_of, fingerprint_of, missing
from reconciler.planning.plan import Cause, Change, Plan, Skipped
from reconciler.planning.safety import Breach, not_allowed
from reconciler.watch.healing import NotHealed
from schemas.fleet import Fleet

JITTER = 0.2
"""Checks come up to this share of the interval early or late, so that many watchers do not march in step."""

LONGEST_WAIT = 3600.0
"""Seconds: after failures the wait doubles up to this, or up to the interval where that is longer."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered from one check to the next.

    `told` are the fingerprints of drift that was announced and is still there; `owed` those of them that
    the webhook did not take yet; `unhealed` those whose heal failed, each with the reason that was said;
    `missing` the declared numbers that the account did not have; `failures` counts failed checks in a row.
    """

    told: frozenset[str] = frozenset()
    owed: frozenset[str] = frozenset()
    unhealed: frozenset[tuple[str, str]] = frozenset()
    missing: frozenset[str] = frozenset()
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Findings:
    """What one check comes to.

    `news` were not told before; `to_deliver` are the news and what the webhook is still owed; `gone`
    counts drift that was told and is not there any more; `vanished` are declared numbers that the account
    does not have, and had at the last check if there was one. `heal` holds the changes to be put right,
    unless the limits in `refused` forbid all of it.
    """

    drift: Plan
    news: tuple[Change, ...]
    to_deliver: tuple[Change, ...]
    gone: int
    vanished: tuple[Skipped, ...]
    heal: Plan
    refused: tuple[Breach, ...]


def judge(watch: Watch, plan: Plan, heals: Callable[[str], bool]) -> tuple[Watch, Findings]:
    """Decide about a plan that was just made; `heals` tells which agents want their drift healed."""
    drift = drift_of(plan)
    absent = missing(drift)
    found = {fingerprint_of(change): change for change in drift.changes}
    owed = (watch.owed | (found.keys() - watch.told)) & found.keys()
    wanted = tuple(change for change in drift.changes if change.cause is Cause.DRIFT and heals(change.agent))
    heal = replace(drift, changes=wanted, skipped=(), unchanged=())
    refused = not_allowed(heal, {}) if wanted else ()
    findings = Findings(
        drift=drift,
        news=tuple(change for key, change in found.items() if key not in watch.told),
        to_deliver=tuple(change for key, change in found.items() if key in owed),
        gone=len(watch.told - found.keys()),
        vanished=tuple(item for item in absent if item.number not in watch.missing),
        heal=replace(heal, changes=()) if refused else heal,
        refused=refused,
    )
    unhealed = frozenset(known for known in watch.unhealed if known[0] in found)
    known_missing = frozenset(item.number for item in absent)
    return Watch(frozenset(found), frozenset(owed), unhealed, known_missing), findings


def not_healed(watch: Watch, failures: Iterable[NotHealed]) -> tuple[Watch, tuple[NotHealed, ...]]:
    """Return which of these failures to say: each drift's once, as long as the reason is the same."""
    keys = {(fingerprint_of(one.change), one.kind): one for one in failures}
    news = tuple(one for key, one in keys.items() if key not in watch.unhealed)
    return replace(watch, unhealed=watch.unhealed | keys.keys()), news


def delivered(watch: Watch) -> Watch:
    """The webhook took what it was owed."""
    return replace(watch, owed=frozenset())


def failed(watch: Watch) -> Watch:
    """A check failed: nothing is known to be gone, so nothing is forgotten."""
    return replace(watch, failures=watch.failures + 1)


def seconds_to_next(watch: Watch, interval: float, chance: float) -> float:
    """Return the wait before the next check; `chance` is a random number from 0 to 1."""
    longest = max(interval, LONGEST_WAIT)
    wait: float = min(interval * 2.0 ** min(watch.failures, 16), longest)
    return wait * (1 - JITTER + 2 * JITTER * chance)


def heals_in(fleet: Fleet) -> Callable[[str], bool]:
    """Return who wants drift healed: what the agent says counts before what the Service says."""

    def heals(agent: str) -> bool:
        declared = fleet.agents.get(agent)
        if declared is None:
            return False
        return fleet.service.heal if declared.heal is None else declared.heal

    return heals
