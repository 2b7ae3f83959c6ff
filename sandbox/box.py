"""The sandbox as a whole: one port that is Twilio and the model, and a phone network behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.account import Account, Alert
from sandbox.account.routes import RestApi
from sandbox.account.state import Keeper, StateError, load_state
from sandbox.control import Control
from sandbox.model import RealtimeServer
from sandbox.network import Network
from sandbox.network.clock import Clock
from sandbox.seed import Seed
from sandbox.server import LoopbackServer, SandboxError


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox. Use it as `async with Sandbox.start(seed) as box`."""

    url: str
    account: Account
    network: Network
    model: RealtimeServer
    openai_key: str = field(repr=False)

    @property
    def openai_url(self) -> str:
        """The model's base URL, for OPENAI_BASE_URL."""
        return f"{self.url}/v1"

    @property
    def account_sid(self) -> str:
        """The account's SID, for TWILIO_ACCOUNT_SID."""
        return self.account.sid

    @property
    def auth_token(self) -> str:
        """The account's token, for TWILIO_AUTH_TOKEN."""
        return self.account.auth_token

    @property
    def alerts(self) -> list[Alert]:
        """What Twilio's debugger would show."""
        return self.account.alerts

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        seed: Seed | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        model: RealtimeServer | None = None,
        state: Path | None = None,
        tunnels: Mapping[str, str] | None = None,
        speed: float = 1.0,
    ) -> AsyncIterator[Sandbox]:
        """Listen on `host` and `port` (0 for any free one) until the block ends.

        `model` answers the Realtime connections (by default the scripted bistro, for the seed's key);
        `state` is a file that the account is read from and written to after each change; `tunnels`
        maps public origins (`https://voice.example`) to local ones; `speed` lets the clock of the phone
        network and the account run faster. Raises SandboxError when the address is taken or the file
        cannot be read.
        """
        seed = seed or Seed()
        account = seed.account()
        if state is not None:
            await asyncio.to_thread(_restore, account, state)

        clock = Clock(speed)
        account.clock = _dated(clock)
        keep = Keeper(account, state).keep if state is not None else None
        network = Network(account, clock=clock, tunnels=tunnels)
        model = model or RealtimeServer(key=seed.openai_key)
        api = Mount("/", app=RestApi(account, keep))
        routes = [*Control(account, network, keep).routes(), *model.routes(), api]
        server = LoopbackServer(Starlette(routes=routes), host, port)
        bound = await server.start()
        try:
            yield cls(f"http://{host}:{bound}", account, network, model, seed.openai_key)
        finally:
            await network.close()
            await model.close()
            await server.stop()


def _dated(clock: Clock) -> Callable[[], datetime]:
    """Return a function that tells the date on a clock that may run fast; it shows the real one now."""
    start, start_ms = datetime.now(UTC), clock.now_ms()
    return lambda: start + timedelta(milliseconds=clock.now_ms() - start_ms)


def _restore(account: Account, path: Path) -> None:
    if not path.exists():
        return
    try:
        load_state(account, path.read_text(encoding="utf-8"))
    except (StateError, OSError, UnicodeDecodeError) as error:
        raise SandboxError(f"{path}: {error}") from error
