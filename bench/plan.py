"""CPU seconds of planning 1,000 numbers in two regions, and the budget: `python -m bench.plan [NUMBERS]`.

All that `tm plan` does is in it: the YAML is loaded, each region's list and the routes of the numbers in
ie1 are read through the `twilio` library, both sides are compared, and the plan is rendered. The account
answers from memory and no socket is involved, so the figure is this program's own work. A tenth of the
numbers is answered in ie1, and a third has drifted.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from reconciler.api.connections import Connections
from reconciler.api.library import PAGE_SIZE
from reconciler.output.documents import plan_document, to_json
from reconciler.output.text import plan_text
from reconciler.planning.make import Wishes, make_plan
from reconciler.planning.plan import Plan
from reconciler.resource.desired import DesiredNumber, desired_numbers
from schemas import Fleet, require_fleet

BUDGET_SECONDS_PER_1000 = 1.5
SID = "AC" + "0" * 32
NUMBERS_PER_AGENT = 10
IN_IE1 = 10
"""One number of so many is answered there."""

SERVICE = f"""\
kind: Service
name: main
public_url: https://agents.example
---
kind: Account
name: main
account_sid: {SID}
auth_token: us-token
regions: {{ie1: {{auth_token: irish-token}}}}
"""
AGENT = """\
kind: Agent
name: agent-{index}
instructions: Answer for branch {index}.
numbers:
{numbers}
"""


def write_fleet(folder: Path, count: int) -> None:
    """Write one file for each agent."""
    (folder / "service.yaml").write_text(SERVICE)
    for index, start in enumerate(range(0, count, NUMBERS_PER_AGENT)):
        entries = "\n".join(map(_entry, range(start, min(start + NUMBERS_PER_AGENT, count))))
        (folder / f"agent-{index}.yaml").write_text(AGENT.format(index=index, numbers=entries))


def _entry(index: int) -> str:
    region = ", region: ie1" if index % IN_IE1 == 0 else ""
    return f'  - {{number: "+1415{index:07}", friendly_name: Line {index}{region}}}'


def record(index: int, wanted: DesiredNumber, region: str) -> dict[str, object]:
    """Return a number's record in a region: as applied where it is declared, else as it came."""
    stored = dict(wanted.stored("https://agents.example").managed()) if region == wanted.region else {}
    if stored and index % 3 == 0:
        stored["voice_url"] = "https://elsewhere.example/voice"
    return {
        "sid": f"PN{index:032x}",
        "account_sid": SID,
        "phone_number": wanted.number,
        "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
        "voice_caller_id_lookup": False,
        "date_created": "Thu, 30 Jul 2015 23:19:04 +0000",
        "date_updated": "Thu, 30 Jul 2015 23:19:04 +0000",
        "sms_url": "",
        "sms_method": "POST",
        **stored,
    }


def pages(records: list[dict[str, object]]) -> list[bytes]:
    """Return the pages of a list as Twilio sends them."""
    path = f"/2010-04-01/Accounts/{SID}/IncomingPhoneNumbers.json"
    return [
        json.dumps(
            {
                "incoming_phone_numbers": records[start : start + PAGE_SIZE],
                "page": number,
                "page_size": PAGE_SIZE,
                "next_page_uri": f"{path}?Page={number + 1}" if start + PAGE_SIZE < len(records) else None,
            }
        ).encode()
        for number, start in enumerate(range(0, len(records), PAGE_SIZE))
    ]


@dataclass
class Account:
    """Answers list pages by the region in the host's name, and routes; counts both."""

    lists: Mapping[str, list[bytes]]
    in_ie1: frozenset[str]
    pages_read: int = 0
    routes_read: int = 0
    transport: httpx2.MockTransport = field(init=False)

    def __post_init__(self) -> None:
        self.transport = httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host.startswith("routes."):
            self.routes_read += 1
            number = request.url.path.rpartition("/")[2]
            region = "ie1" if number in self.in_ie1 else "us1"
            return httpx2.Response(200, json={"phone_number": number, "voice_region": region})
        self.pages_read += 1
        region = "ie1" if ".ie1." in request.url.host else "us1"
        return httpx2.Response(200, content=self.lists[region][int(request.url.params.get("Page", "0"))])


def account_of(fleet: Fleet) -> Account:
    """Return the account that the fleet was applied to once."""
    wanted = sorted(desired_numbers(fleet), key=lambda number: number.number)
    lists = {
        region: pages([record(index, number, region) for index, number in enumerate(wanted)])
        for region in ("us1", "ie1")
    }
    return Account(lists, frozenset(number.number for number in wanted if number.region == "ie1"))


async def read_and_compare(fleet: Fleet, account: Account) -> Plan:
    async with Connections(fleet, transport=account.transport) as connections:
        return await make_plan(fleet, Wishes(), connections.reader, datetime.now(UTC))


def timed_plan(folder: Path, account: Account) -> tuple[Plan, dict[str, float]]:
    marks = [time.process_time()]
    fleet = require_fleet(folder, {})
    marks.append(time.process_time())
    plan = asyncio.run(read_and_compare(fleet, account))
    marks.append(time.process_time())
    to_json(plan_document(plan))
    plan_text(plan)
    marks.append(time.process_time())
    steps = ("load the files", "read and compare", "render both forms")
    return plan, {step: end - start for step, start, end in zip(steps, marks, marks[1:], strict=False)}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_fleet(folder, count)
        account = account_of(require_fleet(folder, {}))
        plan, steps = timed_plan(folder, account)
    total, budget = sum(steps.values()), BUDGET_SECONDS_PER_1000 * count / 1000
    read = f"{account.pages_read} list pages of 2 regions, {account.routes_read} routes"
    print(f"plan of {count} numbers, {len(plan.changes)} changes, {read}")
    for step, seconds in steps.items():
        print(f"  {step:<18} {seconds:7.3f} s CPU")
    print(
        f"  {'total':<18} {total:7.3f} s CPU   budget {budget:.1f} s   {'ok' if total <= budget else 'OVER'}"
    )
    print(f"  {'peak memory':<18} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:7.0f} MB")


if __name__ == "__main__":
    main()
