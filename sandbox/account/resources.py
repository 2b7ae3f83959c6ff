"""The resources of the REST API: which record a path names and what a method does to it. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.account import calls, numbers
from sandbox.account.account import Account
from sandbox.account.calls import Call
from sandbox.account.errors import ApiError, invalid_parameter, method_not_allowed, not_found
from sandbox.account.formats import API_VERSION, is_e164, iso8601, rfc2822, stable_sid
from sandbox.account.hosts import REGIONS, MeantHost
from sandbox.account.numbers import PhoneNumber
from sandbox.account.paging import page

Params = Mapping[str, tuple[str, ...]]

# What a bought number is configured with, until somebody changes it.
DEMO_VOICE_URL = "https://demo.twilio.com/welcome/voice/"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status and JSON body (None for 204)."""

    status: int
    body: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request to a resource. `name` is the record that the path names."""

    account: Account
    region: str
    method: str
    path: str
    name: str
    params: Params

    @property
    def single(self) -> dict[str, str]:
        """The parameters, the last value of each."""
        return {name: values[-1] for name, values in self.params.items()}


def serve(account: Account, meant: MeantHost, method: str, path: str, params: Params) -> Answer:
    """Answer one authenticated request. Raises ApiError."""
    for product, pattern, handler in _RESOURCES:
        match = pattern.fullmatch(path)
        if match and product == meant.product:
            name = match.groupdict().get("name") or ""
            return handler(_Asked(account, meant.region, method, path, name, params))
    raise not_found(path)


def account_in(path: str) -> str | None:
    """Return the account that a path names."""
    match = re.match(rf"/{API_VERSION}/Accounts/(AC[^/.]*)", path)
    return match.group(1) if match else None


def is_main_key_only(path: str) -> bool:
    """Tell whether Standard API keys are refused here (Twilio: 401/20003 on /Accounts and /Keys)."""
    return re.fullmatch(rf"/{API_VERSION}/Accounts(/[^/]*)?\.json", path) is not None


def _account(asked: _Asked) -> Answer:
    account = asked.account
    if asked.method != "GET":
        raise method_not_allowed()
    uri = f"/{API_VERSION}/Accounts/{account.sid}"
    return Answer(
        200,
        {
            "sid": account.sid,
            "auth_token": account.token(asked.region),
            "friendly_name": account.friendly_name,
            "owner_account_sid": account.sid,
            "status": "active",
            "type": account.type,
            "date_created": rfc2822(account.created),
            "date_updated": rfc2822(account.created),
            "subresource_uris": {
                "calls": f"{uri}/Calls.json",
                "incoming_phone_numbers": f"{uri}/IncomingPhoneNumbers.json",
            },
            "uri": f"{uri}.json",
        },
    )


def _number_list(asked: _Asked) -> Answer:
    if asked.method == "GET":
        filters = asked.single
        shown = [one for one in asked.account.numbers(asked.region) if numbers.matches(one, filters)]
        return Answer(200, page("incoming_phone_numbers", asked.path, shown, filters))
    if asked.method == "POST":
        return Answer(201, _buy(asked).json())
    raise method_not_allowed()


def _buy(asked: _Asked) -> PhoneNumber:
    """Buy a number, with the magic numbers of Twilio's test credentials."""
    form = asked.single
    wanted = form.get("PhoneNumber", "")
    if not wanted and form.get("AreaCode"):
        if form["AreaCode"] == "533":
            raise ApiError(400, 21452, f"No phone numbers found in area code {form['AreaCode']}")
        taken = len(asked.account.numbers()) + 1
        wanted = f"+1{form['AreaCode']}555{taken:04d}"
    if not is_e164(wanted) or wanted == "+15005550001":
        raise ApiError(400, 21421, f"{wanted} is not a valid number")
    if wanted == "+15005550000" or asked.account.find(wanted):
        raise ApiError(400, 21422, f"{wanted} is not available")
    blank = PhoneNumber.new(asked.account.sid, wanted)
    given = {"VoiceUrl": DEMO_VOICE_URL} | form
    record = numbers.updated(blank, given, frozenset(asked.account.applications), datetime.now(UTC))
    asked.account.add(record, asked.region)
    return record


def _number(asked: _Asked) -> Answer:
    account = asked.account
    record = account.find(asked.name, asked.region)
    if record is None or record.sid != asked.name:
        raise not_found(asked.path)
    if asked.method == "GET":
        return Answer(200, record.json())
    if asked.method == "DELETE":
        account.release(record.sid)
        return Answer(204, None)
    if asked.method != "POST":
        raise method_not_allowed()
    if account.faults.before_update is not None:
        account.faults.before_update(record)
        record = account.number(record.phone_number, asked.region)
    applications = frozenset(account.applications)
    record = numbers.updated(record, asked.single, applications, datetime.now(UTC))
    account.put(record, asked.region)
    return Answer(200, record.json())


def _call_list(asked: _Asked) -> Answer:
    account = asked.account
    if asked.method == "GET":
        filters = asked.single
        shown = [call for call in reversed(account.calls.values()) if calls.matches(call, filters)]
        return Answer(200, page("calls", asked.path, shown, filters))
    if asked.method != "POST":
        raise method_not_allowed()
    owned = {record.phone_number: record for record in account.numbers(asked.region)}
    request = calls.read_call_request(asked.params, frozenset(owned))
    application = request.instructions.application_sid
    if application is not None and application not in account.applications:
        raise ApiError(400, 21218, f"Invalid ApplicationSid: {application}")
    call = Call(account.sid, request.from_, request.to, "outbound-api", owned[request.from_].sid)
    account.calls[call.sid] = call
    if account.switchboard is not None:
        account.switchboard.place(request, call)
    return Answer(201, call.json())


def _call(asked: _Asked) -> Answer:
    account = asked.account
    call = account.calls.get(asked.name)
    if call is None:
        raise not_found(asked.path)
    if asked.method == "GET":
        return Answer(200, call.json())
    if asked.method == "DELETE":
        if call.live:
            raise ApiError(400, 21220, "Invalid call state: the call is not over")
        del account.calls[call.sid]
        return Answer(204, None)
    if asked.method != "POST":
        raise method_not_allowed()
    if not call.live:
        raise ApiError(400, 21220, "Call is not in-progress. Cannot redirect.")
    update = calls.read_call_update(asked.single, call)
    if account.switchboard is not None and update.ends:
        account.switchboard.end(call.sid)
    elif account.switchboard is not None and update.instructions is not None:
        account.switchboard.redirect(call.sid, update.instructions)
    return Answer(200, call.json())


def _route(asked: _Asked) -> Answer:
    """Answer for `https://routes.twilio.com/v2/PhoneNumbers/{E164}`: the Region that answers a number."""
    account = asked.account
    number = asked.name.replace("%2B", "+")
    if account.find(number) is None:
        raise not_found(asked.path)
    if asked.method == "POST":
        region = asked.single.get("VoiceRegion", "")
        if region not in REGIONS:
            raise invalid_parameter("VoiceRegion", f"must be one of {', '.join(REGIONS)}")
        account.set_route(number, region)
    elif asked.method != "GET":
        raise method_not_allowed()
    region_set = account.route(number)
    if region_set is None:
        raise not_found(asked.path)
    return Answer(
        200,
        {
            "phone_number": number,
            "url": f"https://routes.twilio.com{asked.path}",
            "sid": stable_sid("QQ", number),
            "account_sid": account.sid,
            "friendly_name": number,
            "voice_region": region_set,
            "date_created": iso8601(account.created),
            "date_updated": iso8601(account.created),
        },
    )


def _resource(product: str, pattern: str, handler: Callable[[_Asked], Answer]) -> _Resource:
    return product, re.compile(pattern), handler


_Resource = tuple[str, re.Pattern[str], Callable[[_Asked], Answer]]

_IN_ACCOUNT = rf"/{API_VERSION}/Accounts/[^/]+"
_RESOURCES: tuple[_Resource, ...] = (
    _resource("api", rf"/{API_VERSION}/Accounts/(?P<name>[^/]+)\.json", _account),
    _resource("api", rf"{_IN_ACCOUNT}/IncomingPhoneNumbers\.json", _number_list),
    _resource("api", rf"{_IN_ACCOUNT}/IncomingPhoneNumbers/(?P<name>[^/]+)\.json", _number),
    _resource("api", rf"{_IN_ACCOUNT}/Calls\.json", _call_list),
    _resource("api", rf"{_IN_ACCOUNT}/Calls/(?P<name>[^/]+)\.json", _call),
    _resource("routes", r"/v2/PhoneNumbers/(?P<name>[^/]+)", _route),
)
