"""A run that is no longer alone on its account begins nothing any more, and says so."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from reconciler import runs
from reconciler.api.connections import Connections
from reconciler.applying.exclusive import Exclusion
from reconciler.applying.lock import Holder
from reconciler.applying.report import NotAttempted, Updated
from reconciler.planning.make import Wishes
from reconciler.runs import Conduct, apply_until, plan_run
from tests.reconciler.fleets import ENVIRONMENT, FLEET, load
from tests.reconciler.numbers import FRONT_DESK, NOW, SALES
from tests.reconciler.wire import WireAccount, error_body, form_of, record

ALICE = Holder(actor="alice", host="build-7", pid=41, since="2026-11-20T12:00:00+00:00")
DOCUMENTS = "/v1/Services/default/Documents"


def test_a_lost_lease_ends_the_run_with_1_and_a_complete_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = WireAccount([record(FRONT_DESK), record(SALES)])
    taken = asyncio.Event()

    @asynccontextmanager
    async def lost_at_the_first_write(alone: Exclusion, holder: Holder, wait: float) -> AsyncIterator[None]:
        async def lose() -> None:
            await taken.wait()
            alone.on_lost()

        losing = asyncio.create_task(lose())
        yield
        await losing

    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            taken.set()
        return account.answer(request)

    account.handler = handler
    monkeypatch.setattr(runs, "Connections", functools.partial(Connections, transport=account.transport()))
    monkeypatch.setattr(Exclusion, "held", lost_at_the_first_write)
    environ = {**ENVIRONMENT, "TM_STATE_DIR": str(tmp_path / "state")}
    fleet = load(tmp_path / "agents.d")

    async def story() -> None:
        plan = await plan_run(fleet, Wishes(), environ, NOW)
        conduct = Conduct(max_concurrency=1, preflight=False)
        report = await apply_until(asyncio.Event(), plan, fleet, environ, NOW, conduct, lambda outcome: None)
        assert [type(outcome) for outcome in report.outcomes] == [Updated, NotAttempted]
        assert report.lock_lost
        assert report.exit_code == 1

    asyncio.run(story())


def test_the_lease_is_one_document_of_the_default_service(tmp_path: Path) -> None:
    requests: list[httpx2.Request] = []

    def sync(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        body = {"sid": "ET1", "unique_name": "tm-apply", "revision": "7", "data": {"holder": None}}
        return httpx2.Response(201 if request.url.path == DOCUMENTS else 200, json=body)

    async def story() -> None:
        fleet = load(tmp_path / "agents.d")
        async with Connections(fleet, transport=httpx2.MockTransport(sync)) as connections:
            document = connections.lease("main")
            assert await document.create(ALICE, 60) == "7"
            assert await document.replace("7", None, 1) == "7"

    asyncio.run(story())
    create, give_back = requests
    assert create.url.host == "sync.twilio.com"
    assert form_of(create)["UniqueName"] == "tm-apply"
    assert json.loads(form_of(create)["Data"])["holder"]["actor"] == "alice"
    assert give_back.headers["If-Match"] == "7"
    assert json.loads(form_of(give_back)["Data"]) == {"holder": None}


@pytest.mark.parametrize(("status", "code"), [(412, 54103), (404, 20404)])
def test_a_document_that_has_changed_is_not_written_over(tmp_path: Path, status: int, code: int) -> None:
    def sync(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, text=error_body(status, code, "no"))

    async def story() -> None:
        fleet = load(tmp_path / "agents.d", FLEET)
        async with Connections(fleet, transport=httpx2.MockTransport(sync)) as connections:
            assert await connections.lease("main").replace("7", ALICE, 60) is None

    asyncio.run(story())
