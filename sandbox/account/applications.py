"""TwiML applications: what drives a number in place of the number's own URLs. They live in one Region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sandbox.account import parameters
from sandbox.account.exchange import Answer, Asked
from sandbox.account.formats import API_VERSION, new_sid, rfc2822
from sandbox.account.hosts import DEFAULT_REGION
from sandbox.account.paging import page
from sandbox.account.parameters import Rule


@dataclass(frozen=True, slots=True)
class Application:
    """One Application of a Region. Field names are those of the API's answer."""

    sid: str
    friendly_name: str = ""
    voice_url: str | None = None
    voice_method: str = "POST"
    voice_fallback_url: str | None = None
    voice_fallback_method: str = "POST"
    voice_caller_id_lookup: bool = False
    status_callback: str | None = None
    status_callback_method: str = "POST"
    sms_url: str | None = None
    sms_method: str = "POST"
    sms_fallback_url: str | None = None
    sms_fallback_method: str = "POST"
    message_status_callback: str | None = None
    public_application_connect_enabled: bool = False
    account_sid: str = ""
    region: str = DEFAULT_REGION
    date_created: datetime = field(default_factory=lambda: datetime.now(UTC))
    date_updated: datetime = field(default_factory=lambda: datetime.now(UTC))

    def json(self) -> dict[str, object]:
        """Return the record as the API answers it."""
        answered = {name: getattr(self, name) for name in _ANSWERED}
        return answered | {
            "sms_status_callback": self.message_status_callback,
            "api_version": API_VERSION,
            "date_created": rfc2822(self.date_created),
            "date_updated": rfc2822(self.date_updated),
            "uri": f"/{API_VERSION}/Accounts/{self.account_sid}/Applications/{self.sid}.json",
        }


def application_list(asked: Asked) -> Answer:
    """Answer `/Applications.json`: a list by exact name, or a new application (friendly names may repeat)."""
    asked.only("GET", "POST")
    account = asked.account
    if asked.method == "POST":
        now = account.clock()
        blank = Application(
            new_sid("AP"), account_sid=account.sid, region=asked.region, date_created=now, date_updated=now
        )
        made = replace(blank, **_changes(asked.single))  # type: ignore[arg-type]  # keys and types come from _RULES
        account.applications[made.sid] = made
        account.record_event("application.created", made.sid, asked.actor)
        return Answer(201, made.json())
    name = asked.single.get("FriendlyName")
    shown = [
        one
        for one in reversed(account.applications.values())
        if one.region == asked.region and name in {None, one.friendly_name}
    ]
    return Answer(200, page("applications", asked.path, shown, asked.single))


def application(asked: Asked) -> Answer:
    """Answer `/Applications/{AP}.json`."""
    asked.only("GET", "POST", "DELETE")
    account = asked.account
    record = _in_region(asked)
    if asked.method == "GET":
        return Answer(200, record.json())
    if asked.method == "DELETE":
        del account.applications[record.sid]
        account.record_event("application.deleted", record.sid, asked.actor)
        return Answer(204, None)
    account.before_change(record.sid)
    record = _in_region(asked)
    changes = _changes(asked.single)
    after = replace(record, **changes, date_updated=account.clock())  # type: ignore[arg-type]  # see above
    account.applications[record.sid] = after
    account.record_update("application", record.json(), after.json(), asked.actor)
    return Answer(200, after.json())


def _in_region(asked: Asked) -> Application:
    record = asked.account.applications.get(asked.name)
    return asked.found(record if record is not None and record.region == asked.region else None)


def _changes(form: Mapping[str, str]) -> dict[str, object]:
    """Read the form; `SmsStatusCallback` is the older name of `MessageStatusCallback`."""
    changes = parameters.read(form, _RULES)
    older = changes.pop("sms_status_callback", None)
    return {"message_status_callback": older, **changes} if older is not None else changes


_RULES: Mapping[str, Rule] = {
    "FriendlyName": parameters.friendly_name,
    "VoiceUrl": parameters.url(21402, cleared=""),
    "VoiceMethod": parameters.method(21403),
    "VoiceFallbackUrl": parameters.url(21402, cleared=""),
    "VoiceFallbackMethod": parameters.method(21403),
    "VoiceCallerIdLookup": parameters.boolean,
    "StatusCallback": parameters.url(21502, cleared=""),
    "StatusCallbackMethod": parameters.method(21403),
    "SmsUrl": parameters.url(21402, cleared=""),
    "SmsMethod": parameters.method(21403),
    "SmsFallbackUrl": parameters.url(21402, cleared=""),
    "SmsFallbackMethod": parameters.method(21403),
    "MessageStatusCallback": parameters.url(21502, cleared=""),
    "SmsStatusCallback": parameters.url(21502, cleared=""),
    "PublicApplicationConnectEnabled": parameters.boolean,
}

_ANSWERED = (
    "sid",
    "account_sid",
    *(parameters.snake(name) for name in _RULES if name != "SmsStatusCallback"),
)
