"""The documents of a transfer: what the carrier is to do with the caller's leg and the person's.

Every URL in them names the transfer by its token. Those of the legs lead to the node that has the call; the
one of the hold music leads to any node, since a caller who waits must not depend on one that may be gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from runtime import twiml
from runtime.call.transfer_steps import Document
from runtime.gather.say_chunks import say_chunks
from runtime.ssml import plain
from schemas.transfer import Transfer

KEY_SECONDS: Final = 10  # s after the brief in which the person may press the key
SPEAKING_SPEED: Final = 10.0  # characters a second: slow, since only a deadline depends on it
MUSIC_SECONDS: Final = 30.0  # s of hold music in one document, about
QUESTION: Final = "To take this call, press 1."
NO_SUMMARY: Final = "Somebody is on the line and would like to talk to you."
DECLINED: Final = "Thank you. Goodbye."


@dataclass(frozen=True, slots=True)
class Places:
    """Where a transfer's requests go: `node_url` is this node, `public_url` any of them."""

    node_url: str
    public_url: str
    agent: str
    token: str

    @property
    def after(self) -> str:
        """Where the carrier asks what the caller hears next."""
        return f"{self.node_url}/voice/{self.agent}/after"

    @property
    def machine(self) -> str:
        """Where the carrier tells who has answered."""
        return f"{self.node_url}/voice/{self.agent}/amd?{urlencode({'transfer': self.token})}"

    def step(self, step: str) -> str:
        """Where a step of the transfer goes on."""
        return f"{self.node_url}/voice/{self.agent}/conference?{self._query(step)}"

    def wait(self, until: int) -> str:
        """Where the hold music comes from; `until` is when (epoch s) nobody should be waiting any more."""
        return f"{self.public_url}/voice/{self.agent}/conference?{self._query('wait')}&until={until}"

    def _query(self, step: str) -> str:
        return urlencode({"transfer": self.token, "step": step})


@dataclass(frozen=True, slots=True)
class Papers:
    """The documents of one transfer; `language` is the agent's, `wait_until` as in `Places.wait`."""

    places: Places
    person: Transfer
    caller_id: str
    room: str
    brief: str
    language: str | None
    wait_until: int

    def render(self, document: Document) -> str:
        """Return a document as TwiML."""
        places = self.places
        match document:
            case Document.HOLD:
                return twiml.render(
                    "transfer_hold.xml.j2",
                    after_url=places.after,
                    wait_url=places.wait(self.wait_until),
                    room_url=places.step("room"),
                    room=self.room,
                )
            case Document.DIAL:
                return twiml.render(
                    "transfer_dial.xml.j2",
                    after_url=places.after,
                    caller_id=self.caller_id,
                    timeout=self.person.timeout,
                    person_url=places.step("person"),
                    number=self.person.number,
                )
            case Document.BRIEF:
                return twiml.render(
                    "transfer_brief.xml.j2",
                    accept_url=places.step("accept"),
                    timeout=KEY_SECONDS,
                    language=self.language,
                    brief=say_chunks([plain(self.brief)]),
                    question=QUESTION,
                )
            case Document.JOIN:
                return twiml.render("transfer_join.xml.j2", room=self.room)
            case Document.DECLINE:
                return twiml.say_and_hang_up(DECLINED)
            case Document.HANG_UP:
                return twiml.hang_up()


def music(url: str, *, seconds: float, again_url: str) -> str:
    """Return the document of hold music: a loop of so many `seconds`, and then the same again.

    Twilio: the document of a `waitUrl` is not repeated by itself, and may only play, say, pause, redirect.
    """
    times = max(1, round(MUSIC_SECONDS / seconds))
    return twiml.render("transfer_wait.xml.j2", music_url=url, times=times, again_url=again_url)


def brief_seconds(brief: str) -> float:
    """Return in which time (s) a person who was told this has pressed a key."""
    return 2 * KEY_SECONDS + (len(brief) + len(QUESTION)) / SPEAKING_SPEED
