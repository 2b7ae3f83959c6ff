"""Declared and live numbers for tests, and an account in memory that behaves like Twilio's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Self

from reconciler.api.errors import ApiRefusedError
from reconciler.api.ports import Receipt
from reconciler.planning.diff import Policy
from reconciler.planning.plan import Plan
from reconciler.resource.desired import DesiredNumber, desired_number
from reconciler.resource.live import LiveNumber, live_number
from reconciler.resource.settings import FieldChange, Settings
from schemas import DeclaredNumber, Place
from schemas.fields import RegionName

PUBLIC_URL = "https://agents.example"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
POLICY = Policy(public_url=PUBLIC_URL)
FRONT_DESK = "+14155550123"
SALES = "+14155550124"
_REGIONS: dict[str, RegionName] = {"us1": "us1", "ie1": "ie1", "au1": "au1"}

BLANK = Settings(
    voice_url="",
    voice_method="POST",
    voice_fallback_url="",
    voice_fallback_method="POST",
    status_callback="",
    status_callback_method="POST",
    voice_application_sid="",
    trunk_sid="",
    friendly_name="(415) 555-0123",
    voice_caller_id_lookup=False,
    sms_url="",
    sms_method="POST",
    sms_application_sid="",
)


def sid_of(number: str) -> str:
    return f"PN{number.removeprefix('+').zfill(32)}"


def wanted(
    number: str = FRONT_DESK,
    agent: str = "front-desk",
    *,
    region: str = "us1",
    friendly_name: str | None = None,
    caller_id_lookup: bool | None = None,
    inbound: bool = True,
    public_url: str = PUBLIC_URL,
    fallback_url: str | None = None,
    takeover: bool = False,
) -> DesiredNumber:
    declared = DeclaredNumber(
        number=number,
        agent=agent,
        account="main",
        region=_REGIONS[region],
        friendly_name=friendly_name,
        caller_id_lookup=caller_id_lookup,
        inbound=inbound,
        place=Place(f"agents.d/{agent}.yaml", 9, 5),
    )
    return desired_number(declared, public_url=public_url, fallback_url=fallback_url, takeover=takeover)


def live(
    number: str = FRONT_DESK, stored: Settings = BLANK, *, can_voice: bool = True, region: str = "us1"
) -> LiveNumber:
    return live_number(
        account="main", region=region, sid=sid_of(number), number=number, can_voice=can_voice, stored=stored
    )


def applied(desired: DesiredNumber, *, public_url: str = PUBLIC_URL) -> LiveNumber:
    """A number as it is after `desired` was applied to a blank one."""
    written = dict(desired.stored(public_url).managed())
    return live(desired.number, BLANK.with_values(written), region=desired.region)


def edited(number: LiveNumber, **values: str | bool) -> LiveNumber:
    """The number after somebody changed fields of it by hand."""
    return live_number(
        account=number.account,
        region=number.region,
        sid=number.sid,
        number=number.number,
        can_voice=number.can_voice,
        stored=number.stored.with_values(values),
    )


def changed_fields(plan: Plan) -> dict[str, tuple[str | bool, str | bool]]:
    """Field → (before, after) of a plan with one change."""
    (change,) = plan.changes
    return {item.field: (item.before, item.after) for item in change.fields}


def field_names(fields: Iterable[FieldChange]) -> set[str]:
    return {item.field for item in fields}


@dataclass
class MemoryAccount:
    """The account port without a wire: stores what it is given, counts writes, fails on demand.

    `errors` are raised by the next updates of a number, before or (`stores_first`) after storing;
    `errors` of `route of +1…` are raised by routing it. `forgetful` numbers accept an update and keep
    nothing; `routes` holds the numbers that answer outside of us1.
    """

    numbers: dict[str, LiveNumber] = field(default_factory=dict)
    writes: list[tuple[str, Settings]] = field(default_factory=list)
    errors: dict[str, list[Exception]] = field(default_factory=dict)
    stores_first: bool = False
    forgetful: frozenset[str] = frozenset()
    routes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, *numbers: LiveNumber) -> Self:
        return cls({number.sid: number for number in numbers})

    def __call__(self, account: str, region: str) -> MemoryAccount:
        return self

    async def list_numbers(self) -> list[LiveNumber]:
        return list(self.numbers.values())

    async def list_messaging(self) -> list[LiveNumber]:
        return []

    async def route(self, number: str) -> str:
        return self.routes.get(number, "us1")

    async def reroute(self, number: str, region: str) -> Receipt:
        self.writes.append((number, Settings(voice_region=region)))
        failing = self.errors.get(f"route of {number}")
        error = failing.pop(0) if failing else None
        if error is None or self.stores_first:
            self.routes[number] = region
        if error is not None:
            raise error
        return Receipt("RQ1")

    async def fetch(self, sid: str) -> LiveNumber:
        if sid not in self.numbers:
            raise ApiRefusedError("not found", status=404, code=20404)
        return self.numbers[sid]

    async def update(self, sid: str, settings: Settings) -> Receipt:
        self.writes.append((sid, settings))
        number = self.numbers[sid]
        failing = self.errors.get(number.number)
        error = failing.pop(0) if failing else None
        if (error is None or self.stores_first) and number.number not in self.forgetful:
            self.numbers[sid] = edited(number, **dict(settings.managed()))
        if error is not None:
            raise error
        return Receipt("RQ0")

    def edit(self, number: str, **values: str | bool) -> None:
        """Change fields of a number, as anybody with the password can."""
        self.numbers[sid_of(number)] = edited(self.numbers[sid_of(number)], **values)


def taking_over(desired: DesiredNumber) -> DesiredNumber:
    return replace(desired, takeover=True)
