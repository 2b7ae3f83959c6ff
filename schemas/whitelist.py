"""`Whitelist`: callers who are let through."""

from __future__ import annotations

from typing import Annotated

from schemas.declared import Declared
from schemas.fields import Caller, Name, OneOrMore


class Whitelist(Declared):
    """Callers who are let through, for agents to refer to in `allow_callers`."""

    name: Name
    """How agents refer to it."""
    callers: Annotated[tuple[Caller, ...], OneOrMore()]
    """Phone numbers, or prefixes that end in `*`, such as +1415*."""
