"""`Service`: where Twilio finds the runtime, and what holds for the whole fleet."""

from __future__ import annotations

from typing import Annotated, Literal

from schemas.agent import AgentDefaults
from schemas.declared import Declared
from schemas.fields import HttpUrl, Name, PublicUrl, choice
from schemas.prices import Prices

OnRemoveName = Literal["forget", "detach"]
LockName = Literal["file", "sync"]


class Service(Declared):
    """The one service that answers; what holds for the whole fleet."""

    name: Name
    """A name for people."""
    public_url: PublicUrl
    """Where Twilio finds the runtime: https, without a trailing slash. TM_PUBLIC_URL overrides it."""
    fallback_url: HttpUrl | None = None
    """Where Twilio goes when the runtime does not answer; the runtime's own fallback when absent."""
    on_remove: Annotated[OnRemoveName, choice(OnRemoveName)] = "forget"
    """What happens to a number that no file declares any more: it is left alone, or its URLs are blanked."""
    heal: bool = False
    """Whether drift is put right without asking, for agents that do not say."""
    lock: Annotated[LockName, choice(LockName)] = "file"
    """What keeps two applies from running at once."""
    prices: Prices | None = None
    """What models and minutes cost the company; list prices of the models when absent."""
    defaults: AgentDefaults | None = None
    """Fields that every agent has unless it says otherwise."""
