"""An agent's messages: does somebody answer them, and what is left to be done by hand?

Nothing of this is a message: a genuine signature without one is refused as such (400), a forged one with 403.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from reconciler.preflight.asking import NoAnswerError
from reconciler.preflight.finding import Subject, Verdict
from reconciler.preflight.webhook import (
    PROBE_MESSAGE_SID,
    forged,
    genuine,
    judge_forgery,
    judge_webhook,
    marked,
    post,
)
from schemas.errors import TmError

if TYPE_CHECKING:
    from reconciler.preflight.asking import Asker
    from reconciler.preflight.finding import Finding
    from schemas.agent import Agent
    from schemas.fleet import Fleet

SANDBOX_SENDER: Final = "+14155238886"
"""Twilio: the WhatsApp sender that all accounts share for trying things out."""

_NOBODY: Final = "Is tm serve running, and reachable there?"
_JOINING: Final = (
    "In the Twilio console, under Messaging, Try it out, Send a WhatsApp message: enter {url} for incoming "
    "messages and {url}/status for their status, both with POST, under Sandbox settings. Whoever is to write "
    "first sends the words shown there, join and a code, to +1 415 523 8886 on WhatsApp, and again after "
    "about three days: to others nothing is delivered (error 63015)."
)


async def check_messages(fleet: Fleet, agent: Agent, asker: Asker) -> list[Finding]:
    """Check that messages to an agent are answered by somebody who knows Twilio by its signature."""
    subject = Subject(f"agent {agent.name}")
    account = fleet.account_of(agent)
    url = f"{fleet.service.public_url}/whatsapp/{agent.name}"
    form = {"AccountSid": account.account_sid, "SmsMessageSid": PROBE_MESSAGE_SID}
    findings: list[Finding] = []
    try:
        token = None if account.auth_token is None else account.auth_token.reveal()
        if token is not None:
            answer = await post(asker, genuine(marked(url), form, token))
            if answer.status == HTTPStatus.NOT_FOUND:
                found = "the runtime there answers no messages to the agent (404)"
                return [subject.failed("messages", found, "Start tm serve with these declarations first.")]
            findings.append(judge_webhook(subject, "messages", answer, what="message"))
        findings.append(
            judge_forgery(subject, "forged message", await post(asker, forged(marked(url), form)))
        )
    except TmError as error:  # a token that is not at hand
        return [subject.warning("messages", f"not checked: {error.message}", error.hint or "")]
    except NoAnswerError as error:
        return [*findings, subject.failed("messages", str(error), _NOBODY)]
    return [*findings, *by_hand(subject, agent, url)] if _passed(findings) else findings


def by_hand(subject: Subject, agent: Agent, url: str) -> list[Finding]:
    """Return what has to be done for WhatsApp's shared test sender, which no API configures."""
    if agent.whatsapp is None or agent.whatsapp.sender != SANDBOX_SENDER:
        return []
    found = "its WhatsApp sender is Twilio's shared sandbox, which apply cannot configure"
    return [subject.warning("whatsapp sandbox", found, _JOINING.format(url=url))]


def _passed(findings: list[Finding]) -> bool:
    return all(finding.verdict is not Verdict.FAILED for finding in findings)
