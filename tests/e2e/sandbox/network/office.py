"""What the stories of the network share: an office of documents, and the account's own client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from twilio.rest import Client

from sandbox import Kind, PhoneCall, Sandbox
from tests.e2e.sandbox.network.app import App
from tests.sandbox.account.api import OverLoopback

EMPTY = "<Response/>"
PERSON = "+14155550177"


def library(box: Sandbox) -> Client:
    return Client(box.account_sid, box.auth_token, http_client=OverLoopback(box.url), environment={})


async def rest(box: Sandbox, ask: Callable[[Client], Any]) -> Any:
    """Use the real library without blocking the sandbox."""
    return await asyncio.to_thread(ask, library(box))


async def until(call: PhoneCall, kind: Kind, detail: str | None = None) -> None:
    """Wait for an event of a call."""
    async for event in call.follow():
        if event.kind is kind and detail in {None, event.detail}:
            return
    raise AssertionError(f"{kind} never came: {[(one.kind.value, one.detail) for one in call.events]}")


def asked(app: App, path: str) -> list[dict[str, str]]:
    """Return the forms of the requests to a path."""
    return [one.form for one in app.asked if one.path == path]
