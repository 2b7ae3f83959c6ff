"""CPU seconds of a plan over 1,000 numbers, beside the budget: `python -m bench.plan [NUMBERS]`.

The account's list is read through the `twilio` library from pages in memory, compared, and rendered; no
socket is involved, so the figure is this program's own work. A third of the numbers has drifted.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from datetime import UTC, datetime

import httpx2

from reconciler.api.account import ReadableAccount
from reconciler.api.http_client import NumbersTransport, Target
from reconciler.api.library import PAGE_SIZE, Credentials
from reconciler.output.documents import plan_document, to_json
from reconciler.output.text import plan_text
from reconciler.planning.diff import Policy, diff
from reconciler.planning.plan import Plan
from reconciler.resource.desired import DesiredNumber, desired_number
from reconciler.resource.live import LiveNumber
from schemas import DeclaredNumber, Place

BUDGET_SECONDS_PER_1000 = 1.5
PUBLIC_URL = "https://agents.example"
SID = "AC" + "0" * 32


def declared(index: int) -> DesiredNumber:
    number = DeclaredNumber(
        number=f"+1415{index:07}",
        agent=f"agent-{index % 100}",
        account="main",
        region="us1",
        friendly_name=f"Line {index}",
        caller_id_lookup=None,
        inbound=True,
        place=Place(f"agents.d/agent-{index % 100}.yaml", 4, 5),
    )
    return desired_number(number, public_url=PUBLIC_URL, fallback_url=None, takeover=False)


def record(index: int, wanted: DesiredNumber) -> dict[str, object]:
    stored = dict(wanted.stored(PUBLIC_URL).managed())
    if index % 3 == 0:
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


def pages(fleet: list[DesiredNumber]) -> list[bytes]:
    records = [record(index, wanted) for index, wanted in enumerate(fleet)]
    starts = range(0, len(records), PAGE_SIZE)
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
        for number, start in enumerate(starts)
    ]


async def read(canned: list[bytes]) -> list[LiveNumber]:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=canned[int(request.url.params.get("Page", "0"))])

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as client:
        transport = NumbersTransport(client, Target("main", SID))
        credentials = Credentials("main", SID, "us1", "ashburn", SID, "token")
        return await ReadableAccount(credentials, transport).list_numbers()


def timed_plan(fleet: list[DesiredNumber], canned: list[bytes]) -> tuple[Plan, dict[str, float]]:
    marks = [time.process_time()]
    live = asyncio.run(read(canned))
    marks.append(time.process_time())
    plan = diff(fleet, live, Policy(PUBLIC_URL), datetime.now(UTC))
    marks.append(time.process_time())
    to_json(plan_document(plan))
    plan_text(plan)
    marks.append(time.process_time())
    steps = ("read the list", "compare", "render both forms")
    return plan, {step: end - start for step, start, end in zip(steps, marks, marks[1:], strict=False)}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    fleet = [declared(index) for index in range(count)]
    canned = pages(fleet)
    plan, steps = timed_plan(fleet, canned)
    total, budget = sum(steps.values()), BUDGET_SECONDS_PER_1000 * count / 1000
    print(f"plan of {count} numbers, {len(plan.changes)} changes, {len(canned)} list page(s)")
    for step, seconds in steps.items():
        print(f"  {step:<18} {seconds:7.3f} s CPU")
    print(
        f"  {'total':<18} {total:7.3f} s CPU   budget {budget:.1f} s   {'ok' if total <= budget else 'OVER'}"
    )
    print(f"  {'peak memory':<18} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:7.0f} MB")


if __name__ == "__main__":
    main()
