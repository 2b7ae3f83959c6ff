"""`Agent.variables`: what differs from call to call, and stands as `{{ name }}` in what the agent says."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, WithJsonSchema

from schemas import codes
from schemas.declared import Declared
from schemas.fields import Text, text_check
from schemas.leads_file import RESERVED
from schemas.reading import problem, shown
from schemas.suggestions import listed

_PATTERN = r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$"


def _variable_name(text: str) -> str:
    if not re.match(_PATTERN.replace("$", r"\Z"), text, re.ASCII):
        message = f"a variable has letters, digits, _ and -, 64 at most, a letter first; got {shown(text)}"
        raise problem(codes.BAD_NAME, message)
    if text in RESERVED:
        message = f"{listed(RESERVED, 'and')} mean something else in lists of leads; take another name"
        raise problem(codes.BAD_NAME, message)
    return text


VariableName = Annotated[
    str, text_check(_variable_name), WithJsonSchema({"type": "string", "pattern": _PATTERN})
]


class Variable(Declared):
    """Something that an outbound call is told: a name, an appointment."""

    description: Text | None = None
    """What it is, for people."""
    required: bool = False
    """Whether no call is placed without it."""
    default: Annotated[str, Field(max_length=4000)] = ""
    """What it is when it is not given."""
