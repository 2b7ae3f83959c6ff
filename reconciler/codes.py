"""Codes of the warnings that a plan can carry, explained in docs/reconciler.md; the loader's are TM0xx."""

from __future__ import annotations

ROUTING_NOT_CHECKED = "TM301"
NOT_DECLARED_ANY_MORE = "TM302"
OVER_A_LIMIT = "TM303"
