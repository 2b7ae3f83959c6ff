"""What is known of an attempt grows: reports come in any order, twice, and from several nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from runtime.outbound.orders import CallFacts, CallStatus

# How far a call is; a report that was overtaken by a later one says nothing new.
_RANK: Final[dict[CallStatus, int]] = {"queued": 0, "initiated": 1, "ringing": 2, "in-progress": 3}
_OVER: Final = 4


def merged(known: CallFacts, news: CallFacts) -> CallFacts:
    """Return what is known after a report.

    A call goes forward only, and the first end is its end; of everything else the latest that says something
    counts. Who has asked not to be called again has done so.
    """
    return replace(
        known,
        call_sid=known.call_sid or news.call_sid,
        status=news.status if _rank(news.status) > _rank(known.status) else known.status,
        answered_by=news.answered_by or known.answered_by,
        sip_code=_latest(known.sip_code, news.sip_code),
        end_reason=news.end_reason or known.end_reason,
        error_code=_latest(known.error_code, news.error_code),
        seconds=_latest(known.seconds, news.seconds),
        opted_out=known.opted_out or news.opted_out,
    )


def is_told(facts: CallFacts) -> bool:
    """Tell whether nothing more is to be expected: of a talk, our own report of its end is in too."""
    return facts.is_final and (facts.status != "completed" or facts.end_reason is not None)


def _rank(status: CallStatus) -> int:
    return _RANK.get(status, _OVER)


def _latest(known: int | None, news: int | None) -> int | None:
    return known if news is None else news
