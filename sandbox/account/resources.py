"""The resources of the REST API: which of them a path names. No I/O."""

from __future__ import annotations

import re
from typing import NamedTuple

from sandbox.account.applications import application, application_list
from sandbox.account.caller_ids import caller_id, caller_id_list
from sandbox.account.calls import call, call_list
from sandbox.account.conferences import conference, conference_list
from sandbox.account.documents import document, document_list
from sandbox.account.errors import not_found
from sandbox.account.events import event, event_list
from sandbox.account.exchange import Answer, Asked, Handler
from sandbox.account.formats import API_VERSION, rfc2822
from sandbox.account.messages import (
    message,
    message_list,
    message_media,
    message_media_file,
    message_media_list,
)
from sandbox.account.messaging import service, service_list, service_number, service_numbers, service_senders
from sandbox.account.numbers import number, number_list
from sandbox.account.participants import participant, participant_list
from sandbox.account.recordings import (
    call_recording,
    call_recording_list,
    recording,
    recording_list,
    recording_media,
)
from sandbox.account.routing import route_v2, route_v3
from sandbox.account.senders import sender, sender_list


class Target(NamedTuple):
    """The resource that a path names: who answers for it, and the names in the path."""

    handler: Handler
    names: dict[str, str]


def target(product: str, path: str) -> Target | None:
    """Return the resource at a path of one of Twilio's products, None where there is none."""
    for owner, pattern, handler in _RESOURCES:
        match = pattern.fullmatch(path) if owner == product else None
        if match:
            return Target(handler, match.groupdict())
    return None


def serve(product: str, asked: Asked) -> Answer:
    """Answer one authenticated request. Raises ApiError."""
    found = target(product, asked.path)
    if found is None:
        raise not_found(asked.path)
    return found.handler(asked)


def account_in(path: str) -> str | None:
    """Return the account that a path names."""
    match = re.match(rf"/{API_VERSION}/Accounts/(AC[^/.]*)", path)
    return match.group(1) if match else None


def is_main_key_only(path: str) -> bool:
    """Tell whether Standard API keys are refused here (Twilio: 401/20003 on /Accounts and /Keys)."""
    return re.fullmatch(rf"/{API_VERSION}/Accounts(/[^/]*)?\.json", path) is not None


def _account(asked: Asked) -> Answer:
    asked.only("GET")
    account = asked.account
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
                "applications": f"{uri}/Applications.json",
                "calls": f"{uri}/Calls.json",
                "incoming_phone_numbers": f"{uri}/IncomingPhoneNumbers.json",
                "outgoing_caller_ids": f"{uri}/OutgoingCallerIds.json",
            },
            "uri": f"{uri}.json",
        },
    )


_Resource = tuple[str, re.Pattern[str], Handler]


def _resource(product: str, pattern: str, handler: Handler) -> _Resource:
    return product, re.compile(pattern), handler


_IN_ACCOUNT = rf"/{API_VERSION}/Accounts/[^/]+"
_NAME = "(?P<name>[^/]+)"
_SERVICE = rf"/v1/Services/{_NAME}"
_DOCUMENTS = r"/v1/Services/(?P<service>[^/]+)/Documents"

_OF_CALL = rf"{_IN_ACCOUNT}/Calls/(?P<call>[^/]+)"
_OF_MESSAGE = rf"{_IN_ACCOUNT}/Messages/(?P<message>[^/]+)"
_PARTICIPANTS = rf"{_IN_ACCOUNT}/Conferences/(?P<conference>[^/]+)/Participants"

_RESOURCES: tuple[_Resource, ...] = (
    _resource("api", rf"{_IN_ACCOUNT}/IncomingPhoneNumbers/{_NAME}\.json", number),
    _resource("api", rf"{_IN_ACCOUNT}/IncomingPhoneNumbers\.json", number_list),
    _resource("api", rf"{_IN_ACCOUNT}/Calls\.json", call_list),
    _resource("api", rf"{_IN_ACCOUNT}/Calls/{_NAME}\.json", call),
    _resource("api", rf"{_OF_CALL}/Recordings\.json", call_recording_list),
    _resource("api", rf"{_OF_CALL}/Recordings/{_NAME}\.json", call_recording),
    _resource("api", rf"{_IN_ACCOUNT}/Recordings\.json", recording_list),
    _resource("api", rf"{_IN_ACCOUNT}/Recordings/{_NAME}\.json", recording),
    _resource("api", rf"{_IN_ACCOUNT}/Recordings/(?P<name>RE[0-9a-f]+)(\.wav)?", recording_media),
    _resource("api", rf"{_IN_ACCOUNT}/Messages\.json", message_list),
    _resource("api", rf"{_IN_ACCOUNT}/Messages/{_NAME}\.json", message),
    _resource("api", rf"{_OF_MESSAGE}/Media\.json", message_media_list),
    _resource("api", rf"{_OF_MESSAGE}/Media/{_NAME}\.json", message_media),
    _resource("api", rf"{_OF_MESSAGE}/Media/(?P<name>ME[0-9a-f]+)", message_media_file),
    _resource("api", rf"{_IN_ACCOUNT}/Conferences\.json", conference_list),
    _resource("api", rf"{_IN_ACCOUNT}/Conferences/{_NAME}\.json", conference),
    _resource("api", rf"{_PARTICIPANTS}\.json", participant_list),
    _resource("api", rf"{_PARTICIPANTS}/{_NAME}\.json", participant),
    _resource("api", rf"{_IN_ACCOUNT}/Applications\.json", application_list),
    _resource("api", rf"{_IN_ACCOUNT}/Applications/{_NAME}\.json", application),
    _resource("api", rf"{_IN_ACCOUNT}/OutgoingCallerIds\.json", caller_id_list),
    _resource("api", rf"{_IN_ACCOUNT}/OutgoingCallerIds/{_NAME}\.json", caller_id),
    _resource("api", rf"/{API_VERSION}/Accounts/{_NAME}\.json", _account),
    _resource("routes", rf"/v2/PhoneNumbers/{_NAME}", route_v2),
    _resource("routes", rf"/v3/PhoneNumbers/{_NAME}", route_v3),
    _resource("messaging", r"/v1/Services", service_list),
    _resource("messaging", _SERVICE, service),
    _resource("messaging", rf"{_SERVICE}/PhoneNumbers", service_numbers),
    _resource("messaging", rf"{_SERVICE}/PhoneNumbers/(?P<member>[^/]+)", service_number),
    _resource("messaging", rf"{_SERVICE}/ChannelSenders", service_senders),
    _resource("messaging", r"/v2/Channels/Senders", sender_list),
    _resource("messaging", rf"/v2/Channels/Senders/{_NAME}", sender),
    _resource("monitor", r"/v1/Events", event_list),
    _resource("monitor", rf"/v1/Events/{_NAME}", event),
    _resource("sync", _DOCUMENTS, document_list),
    _resource("sync", rf"{_DOCUMENTS}/{_NAME}", document),
)
