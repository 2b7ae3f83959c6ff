"""A process that runs the campaign of the tests until it is killed: `python -m … FOLDER DATABASE_URL`.

Where `FOLDER/kill_at` names a point, the process kills itself there, once.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import time
from pathlib import Path

from runtime.outbound.attempt_store import AttemptStore
from tests.e2e.campaigns.network import FileNetwork
from tests.e2e.campaigns.world import engine, fleet

# After which of its doings something is done for good and not known yet.
POINTS = {
    "begun": (AttemptStore, "begin"),
    "turn": (AttemptStore, "take_turn"),
    "placed": (FileNetwork, "place"),
    "noted": (AttemptStore, "placed"),
    "told": (AttemptStore, "note"),
    "concluded": (AttemptStore, "conclude"),
}


def kill_after(owner: type, name: str, folder: Path, point: str) -> None:
    """Let the process end right after the method has done what it does."""
    original = getattr(owner, name)

    def die() -> None:
        (folder / "kill_at").unlink()
        (folder / "killed").write_text(point)
        os.kill(os.getpid(), signal.SIGKILL)

    @functools.wraps(original)
    def blocking(*arguments: object) -> None:
        original(*arguments)
        die()

    @functools.wraps(original)
    async def waiting(*arguments: object) -> None:
        await original(*arguments)
        die()

    setattr(owner, name, waiting if asyncio.iscoroutinefunction(original) else blocking)


def main(folder: Path, url: str) -> None:
    if (folder / "kill_at").exists():
        point = (folder / "kill_at").read_text()
        kill_after(*POINTS[point], folder, point)
    with engine(fleet(folder, (folder / "terms.yaml").read_text()), url, FileNetwork(folder)):
        sys.stdout.write("running\n")
        sys.stdout.flush()
        time.sleep(3600)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
