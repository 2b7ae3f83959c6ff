"""A call that a running `tm serve` places: ordered, followed and ended over its API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import httpx2

from schemas.errors import TmError

POLL_SECONDS: Final = 0.5
# How long a runtime that does not answer is waited for, once it has placed the call.
PATIENCE_SECONDS: Final = 30.0
ANSWER_SECONDS: Final = 30.0
# How long the placing of a call may take: Twilio may have to be asked again, and looked at for the call.
ORDER_SECONDS: Final = 120.0
# How long the record of a call that was just hung up may take.
LAST_SECONDS: Final = 10.0
# Endings by which nobody was talked to until one side was done.
NOT_REACHED: Final = frozenset(
    {"no_answer", "busy", "failed", "cancelled", "voicemail", "model_error", "media_error", "drained"}
)

Record = Mapping[str, Any]


class CallFailedError(TmError):
    """The runtime does not place or follow the call."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How a call stands: its record, and Twilio's words for what it is doing."""

    record: Record
    status: str

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.record["status"] in ("completed", "rejected")


def was_reached(record: Record) -> bool:
    """Tell whether somebody was talked to until one side was done."""
    return record["status"] == "completed" and record["end_reason"] not in NOT_REACHED


class RuntimeApi:
    """The API at `url`; `token` is TM_API_TOKEN. Every method raises `CallFailedError`.

    `pause` and `transport` are replaceable for tests.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        pause: Callable[[float], None] = time.sleep,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx2.Client(
            base_url=self._url, headers=headers, timeout=ANSWER_SECONDS, transport=transport
        )
        self._pause = pause

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def place(self, order: Mapping[str, object]) -> Record:
        """Place the call and return its record; the `id` in the order is the call's, whatever comes of it."""
        try:
            return self._ask("POST", "/api/calls", order, seconds=ORDER_SECONDS)
        except _UnansweredError as error:
            raise CallFailedError(
                f"{error.message}: the phone may ring all the same",
                hint=f"`tm calls {order['id']}` shows it.",
            ) from None

    def hang_up(self, call_id: str) -> Record:
        """End the call and return its record as it stands."""
        return self._ask("POST", f"/api/calls/{call_id}/hangup")

    def take_back(self, call_id: str) -> Record | None:
        """End a call that is being placed and return its record; None when nothing of it was seen in time."""
        for _ in range(round(LAST_SECONDS / POLL_SECONDS)):
            try:
                self.hang_up(call_id)
            except _UnknownCallError:  # the order may be on its way
                self._pause(POLL_SECONDS)
            else:
                return self.last(call_id)
        return None

    def follow(self, call_id: str) -> Iterator[Seen]:
        """Yield how the call stands, again and again, until it is over."""
        silent = 0.0
        while True:
            try:
                seen = self._look(call_id)
            except _UnreachableError:
                silent += POLL_SECONDS
                if silent >= PATIENCE_SECONDS:
                    raise
            else:
                silent = 0.0
                yield seen
                if seen.is_over:
                    return
            self._pause(POLL_SECONDS)

    def last(self, call_id: str) -> Record:
        """Return the record of a call that is about to end, or as it stands after some seconds."""
        seen = self._look(call_id)
        for _ in range(round(LAST_SECONDS / POLL_SECONDS)):
            if seen.is_over:
                break
            self._pause(POLL_SECONDS)
            seen = self._look(call_id)
        return seen.record

    def _look(self, call_id: str) -> Seen:
        record = self._ask("GET", f"/api/calls/{call_id}")
        return Seen(record, str(self._ask("GET", f"/api/calls/{call_id}/dial")["status"]))

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        seconds: float = ANSWER_SECONDS,
    ) -> Record:
        try:
            timeout = httpx2.Timeout(ANSWER_SECONDS, read=seconds)
            answer = self._http.request(method, path, json=body, timeout=timeout)
        except (httpx2.ReadTimeout, httpx2.ReadError, httpx2.RemoteProtocolError) as error:
            raise _UnansweredError(
                f"the runtime at {self._url} has not answered ({type(error).__name__})"
            ) from None
        except httpx2.HTTPError as error:
            raise _UnreachableError(
                f"no runtime answers at {self._url} ({type(error).__name__})",
                hint="Start `tm serve`, or say with --url where it is.",
            ) from None
        if answer.is_success:
            record: Record = answer.json()
            return record
        kind = _UnknownCallError if answer.status_code == httpx2.codes.NOT_FOUND else CallFailedError
        raise kind(_words(answer), hint=_hint(answer.status_code))


class _UnreachableError(CallFailedError):
    """The runtime does not answer."""


class _UnansweredError(_UnreachableError):
    """The runtime has the request, and may have done what it asks for."""


class _UnknownCallError(CallFailedError):
    """There is no such thing."""


def _words(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the runtime answers {answer.status_code}"


def _hint(status: int) -> str | None:
    if status in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN):
        return "Set TM_API_TOKEN to the runtime's, or ask it from its own machine."
    return None
