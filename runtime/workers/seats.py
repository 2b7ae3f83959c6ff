"""Where each worker listens, and the URL at which Twilio reaches it alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from schemas.errors import TmError

HIGHEST_PORT: Final = 65_535
_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")
_KNOWN: Final = frozenset({"{worker}", "{port}"})


class SeatError(TmError):
    """The workers would have no ports or no URLs of their own."""


@dataclass(frozen=True, slots=True)
class Seat:
    """The place of one worker, counted from 0, with the port and the public URL that are its own, if any."""

    number: int
    own_port: int | None
    node_url: str | None


def seats(workers: int, port: int, node_url: str | None) -> tuple[Seat, ...]:
    """Return the seats of `workers` processes that share `port`.

    `node_url` has `{worker}` or `{port}`, or both, where the workers differ. Worker i has the port after the
    shared one and i further. One process whose URL has no placeholder listens on the shared port alone.
    Raises `SeatError`.
    """
    found = set(_PLACEHOLDER.findall(node_url or ""))
    unknown = sorted(found - _KNOWN)
    if unknown:
        raise SeatError(
            f"TM_NODE_URL has the placeholder {unknown[0]}, which nothing stands for.",
            hint="There are {worker}, the number of the worker, and {port}, the port that is its own.",
        )
    if node_url is None or not found:
        if workers > 1:
            raise _not_pinned(workers, port)
        return (Seat(0, None, node_url),)
    if port == 0 or port + workers > HIGHEST_PORT:
        raise SeatError(
            f"Port {port} leaves no {workers} ports after it for the workers' own.",
            hint="Worker 0 listens on the port after the shared one, worker 1 on the next: choose another.",
        )
    return tuple(_seat(number, port + 1 + number, node_url) for number in range(workers))


def _seat(number: int, own_port: int, node_url: str) -> Seat:
    url = node_url.replace("{worker}", str(number)).replace("{port}", str(own_port))
    return Seat(number, own_port, url)


def _not_pinned(workers: int, port: int) -> SeatError:
    return SeatError(
        f"{workers} workers need a TM_NODE_URL with {{worker}} or {{port}} in it.",
        hint="Twilio opens a call's stream there, and only the worker that took the call knows it; on the "
        "shared port the stream would come to any worker. Set a URL that leads to each worker's own port, "
        "such as https://w{worker}.agents.example.com: "
        f"worker 0 listens on {port + 1}, worker 1 on {port + 2}.",
    )
