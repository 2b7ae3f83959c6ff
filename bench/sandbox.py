"""What the sandbox's account can take: `python -m bench.sandbox [NUMBERS]`.

The account listens in a process of its own and this one asks it as an apply does: all list pages, then
1,000 updates with 20 in flight. It must never be the bottleneck of a measurement that runs against it.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection

import httpx2

from sandbox import NumberSeed, Sandbox, Seed

UPDATES = 1000
IN_FLIGHT = 20
PAGE_SIZE = 1000
# An apply of 1,000 numbers at 50 ms a request and 20 in flight wants no more than this.
NEEDED_PER_SECOND = IN_FLIGHT / 0.050


def serve(count: int, pipe: Connection) -> None:
    async def run() -> None:
        seed = Seed(numbers=tuple(NumberSeed(f"+1415{index:07}") for index in range(count)))
        async with Sandbox.start(seed) as box:
            pipe.send((box.url, box.account_sid, box.auth_token))
            while await asyncio.to_thread(pipe.recv):
                pipe.send((time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))

    asyncio.run(run())


async def listed(client: httpx2.AsyncClient, path: str) -> list[str]:
    following: str | None = f"{path}?PageSize={PAGE_SIZE}"
    uris: list[str] = []
    while following:
        page = (await client.get(following)).json()
        uris += [one["uri"] for one in page["incoming_phone_numbers"]]
        following = page["next_page_uri"]
    return uris


async def update_all(client: httpx2.AsyncClient, uris: list[str]) -> None:
    waiting = iter(uris)

    async def worker() -> None:
        for uri in waiting:
            form = {"VoiceUrl": "https://voice.example/voice/a?tm=0123456789ab", "VoiceMethod": "POST"}
            answer = await client.post(uri, data=form)
            assert answer.status_code == 200, answer.text

    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))


class Account:
    """The sandbox in its process, and what it has used so far."""

    def __init__(self, count: int) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(count, theirs))
        self._process.start()
        self.url, self.sid, self.token = self._pipe.recv()

    def used(self) -> tuple[float, float]:
        """CPU seconds and MB."""
        self._pipe.send(True)
        cpu, memory = self._pipe.recv()
        return cpu, memory

    def end(self) -> None:
        self._pipe.send(False)
        self._process.join()


async def measure(account: Account) -> None:
    sid = account.sid
    auth = (sid, account.token)
    async with httpx2.AsyncClient(base_url=account.url, auth=auth, timeout=60, trust_env=False) as client:
        began, cpu_at_start = time.perf_counter(), account.used()[0]
        uris = await listed(client, f"/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json")
        listing, cpu_listed = time.perf_counter() - began, account.used()[0]
        began = time.perf_counter()
        await update_all(client, uris[:UPDATES])
        updating, (cpu, memory) = time.perf_counter() - began, account.used()
    updates = min(UPDATES, len(uris))
    each = (cpu - cpu_listed) / updates
    print(f"account of {len(uris)} numbers, {memory:.0f} MB")
    print(f"  pages of {PAGE_SIZE}  {listing:5.2f} s, CPU of the account {cpu_listed - cpu_at_start:.2f} s")
    print(
        f"  {updates} updates   {updating:5.2f} s with {IN_FLIGHT} in flight, this client's own work included"
    )
    print(f"  account's CPU  {1000 * each:5.2f} ms an update")
    print(f"  good for       {1 / each:5.0f} updates a second; an apply wants {NEEDED_PER_SECOND:.0f}")


def main() -> None:
    account = Account(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    try:
        asyncio.run(measure(account))
    finally:
        account.end()


if __name__ == "__main__":
    main()
