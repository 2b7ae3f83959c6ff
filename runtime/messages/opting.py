"""Words by which people say that they want no messages, or that they want them again.

Twilio obeys its own words in SMS, confirms them itself and refuses what is sent afterwards (21610). On
WhatsApp they are words like any others, so it is for us to obey them. Of the English ones only those count
there that mean nothing else to an agent: who writes CANCEL may mean a booking.
"""

from __future__ import annotations

import unicodedata
from enum import Enum, auto
from typing import Final

STOP_WORDS: Final = frozenset(
    (
        *("stop", "stopall", "stop all", "unsubscribe", "optout", "opt out", "opt-out"),
        *("stopp", "abmelden", "abbestellen"),  # German
        *("arret", "desabonner", "se desabonner"),  # French, without accents
        *("baja", "darse de baja"),  # Spanish
        *("descadastrar", "cancelar inscricao"),  # Portuguese
        *("disiscriviti", "disiscrivimi"),  # Italian
    )
)
SMS_STOP_WORDS: Final = STOP_WORDS | {"cancel", "end", "quit", "revoke"}
START_WORDS: Final = frozenset(("start", "unstop"))
SMS_START_WORDS: Final = START_WORDS | {"yes"}

_UNSEEN: Final = frozenset(("Mn", "Me", "Cf"))  # accents that stand on letters, and characters of no width

STOPPED: Final = "You will get no more messages from us. Write START to get them again."
STARTED: Final = "You will get our messages again. How can we help you?"


class Wish(Enum):
    """What a message says about messages."""

    STOP = auto()
    START = auto()


def wish_in(text: str, *, on_whatsapp: bool, opted_out: bool) -> Wish | None:
    """Return the wish that a message is, None for one that says anything else.

    A message is a wish when the word is all that it says, whatever its case, accents and punctuation. Only
    somebody who had opted out can start again: to others START is a word.
    """
    word = _plain(text)
    if word in (STOP_WORDS if on_whatsapp else SMS_STOP_WORDS):
        return Wish.STOP
    if opted_out and word in (START_WORDS if on_whatsapp else SMS_START_WORDS):
        return Wish.START
    return None


def _plain(text: str) -> str:
    """Return the words of a text without accents, and without what surrounds them: marks, emoji, nothing."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    kept = [each for each in apart if unicodedata.category(each) not in _UNSEEN]
    spoken = [place for place, each in enumerate(kept) if each.isalnum()]
    return " ".join("".join(kept[spoken[0] : spoken[-1] + 1]).split()) if spoken else ""
