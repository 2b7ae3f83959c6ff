"""A sandbox, a folder of declarations, and `tm` as a process: what every end-to-end test stands on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from cli.demo.processes import free_port
from sandbox import NumberSeed, Sandbox, Seed
from tests.sandbox.model.oracle import judge_model

COMMAND_SECONDS = 60
START_SECONDS = 20
STOP_SECONDS = 10
FRONT_DESK = "+14155550123"
CALLER = "+14155550190"

SERVICE = """\
kind: Service
name: test
public_url: ${env:TM_PUBLIC_URL}
"""
FRONT_DESK_YAML = f"""\
kind: Agent
name: front-desk
numbers: {FRONT_DESK}
greeting: Good evening, this is the Harbour Bistro. How can I help you?
instructions: Take reservations.
"""

T = TypeVar("T")


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Stdout, which must be exactly one JSON document."""
        return json.loads(self.out)


@dataclass
class World:
    """Everything outside of `tm`, and `tm` itself."""

    box: Sandbox
    folder: Path
    database: str | None = None
    port: int = field(default_factory=free_port)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TM_AGENTS_DIR": str(self.folder / "agents.d"),
            "TM_STATE_DIR": str(self.folder / ".tm"),
            "TM_DATABASE_URL": self.database or f"sqlite:///{self.folder / 'calls.sqlite3'}",
            "TM_PUBLIC_URL": self.base,
            "TM_TWILIO_API_URL": self.box.url,
            "TWILIO_ACCOUNT_SID": self.box.account_sid,
            "TWILIO_AUTH_TOKEN": self.box.auth_token,
            "OPENAI_API_KEY": self.box.openai_key,
            "OPENAI_BASE_URL": self.box.openai_url,
            "COLUMNS": "120",
        }

    def declare(self, **files: str) -> None:
        """Write `agents.d/<name>.yaml` files."""
        for name, text in files.items():
            path = self.folder / "agents.d" / f"{name.replace('_', '-')}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    async def start_tm(
        self,
        *arguments: str,
        environment: Mapping[str, str | None] | None = None,
        preflight: bool = False,
    ) -> asyncio.subprocess.Process:
        """Start `tm ARGUMENTS`; None in `environment` takes a variable away.

        An apply goes without its preflight unless asked for: most stories apply before anybody serves.
        """
        if arguments[0] == "apply" and not preflight:
            arguments = (*arguments, "--skip-preflight")
        merged: dict[str, str | None] = {**self.environment, **(environment or {})}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", *arguments, cwd=self.folder,
            env={name: value for name, value in merged.items() if value is not None},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def tm(
        self,
        *arguments: str,
        environment: Mapping[str, str | None] | None = None,
        preflight: bool = False,
    ) -> Done:
        """Run `tm ARGUMENTS` to its end. No command may ever show a traceback."""
        process = await self.start_tm(*arguments, environment=environment, preflight=preflight)
        out, err = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
        assert process.returncode is not None
        done = Done(process.returncode, out.decode(), err.decode())
        assert "Traceback" not in done.out + done.err, done.err
        return done

    @contextlib.asynccontextmanager
    async def serving(
        self, environment: Mapping[str, str | None] | None = None, *, options: tuple[str, ...] = ()
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run `tm serve OPTIONS`; it must be ready soon and end well on SIGTERM, unless the test ended it."""
        log = (self.folder / "serve.log").open("ab")
        merged: dict[str, str | None] = {**self.environment, **(environment or {})}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", "serve", "--port", str(self.port), *options, cwd=self.folder,
            env={name: value for name, value in merged.items() if value is not None},
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        log.close()
        try:
            await self._until_ready(process)
            yield process
            if process.returncode is None:
                process.terminate()
                assert await asyncio.wait_for(process.wait(), STOP_SECONDS) == 0, self.server_log()
                assert "Traceback" not in self.server_log(), self.server_log()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def server_log(self) -> str:
        """What `tm serve` has said so far."""
        return (self.folder / "serve.log").read_text()

    async def get(self, path: str) -> httpx2.Response:
        """GET from the runtime, as somebody on this machine."""
        async with httpx2.AsyncClient(base_url=self.base, timeout=5) as client:
            return await client.get(path)

    async def calls(self) -> list[dict[str, Any]]:
        """The runtime's list of calls, newest first."""
        rows: list[dict[str, Any]] = (await self.get("/api/calls")).json()["calls"]
        return rows

    async def record_of(self, call_sid: str, seconds: float = 10) -> dict[str, Any]:
        """The record of the call that Twilio knows by this SID, once it is terminal; exactly one exists."""

        async def ended() -> dict[str, Any] | None:
            rows = [row for row in await self.calls() if row["call_sid"] == call_sid]
            assert len(rows) <= 1, rows
            if not rows or rows[0]["status"] not in {"completed", "rejected"}:
                return None
            record: dict[str, Any] = (await self.get(f"/api/calls/{rows[0]['id']}")).json()
            return record

        return await until(ended, what=f"a record of {call_sid}", seconds=seconds)

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        async def ready() -> bool:
            assert process.returncode is None, self.server_log()
            with contextlib.suppress(httpx2.TransportError):
                return (await self.get("/readyz")).status_code == httpx2.codes.OK
            return False

        await until(ready, what="tm serve", seconds=START_SECONDS)


async def until(probe: Callable[[], Awaitable[T | None]], *, what: str, seconds: float = 10) -> T:
    """Ask again and again until the answer is true; a late one is a failure."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not (answer := await probe()):
        assert loop.time() < deadline, f"{what} did not come within {seconds} s"
        await asyncio.sleep(0.05)
    return answer


def play(
    tmp_path: Path,
    story: Callable[[World], Awaitable[None]],
    *,
    numbers: tuple[NumberSeed, ...] = (NumberSeed(FRONT_DESK),),
    seed: Seed | None = None,
    database: str | None = None,
    **files: str,
) -> None:
    """Run one story in a fresh world; `seed` is for accounts that hold more than `numbers`.

    `database` is the URL of one that exists; without it the nodes make themselves a SQLite file.

    All that was said between runtime and model must pass the types of OpenAI's own package.

    Without `files` it declares one agent, the front desk.
    """

    async def run() -> None:
        async with Sandbox.start(seed or Seed(numbers=numbers)) as box:
            world = World(box, tmp_path, database)
            world.declare(service=SERVICE, **(files or {"front_desk": FRONT_DESK_YAML}))
            await story(world)
            judge_model(box.model)

    asyncio.run(run())
