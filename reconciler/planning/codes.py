"""Codes of the warnings that a plan can carry, explained in docs/reconciler.md; the loader's are TM0xx."""

from __future__ import annotations

ROUTE_CHANGES = "TM301"
NOT_DECLARED_ANY_MORE = "TM302"
OVER_A_LIMIT = "TM303"
ACCOUNT_LIMITS = "TM304"
CHANGED_BY = "TM310"
AUTHOR_NOT_KNOWN = "TM311"
