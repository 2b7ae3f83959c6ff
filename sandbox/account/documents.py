"""Sync documents: small JSON values with a revision, a name that exists once, and a time to live.

Twilio: `If-Match` makes an update conditional on the revision (412 when it is another); `Ttl` is in
seconds, 0 for none. Twilio may delete an expired document late; here it is gone at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sandbox.account import parameters
from sandbox.account.errors import ApiError, invalid_parameter
from sandbox.account.exchange import Answer, Asked
from sandbox.account.formats import iso8601, new_sid, stable_sid
from sandbox.account.paging import meta_page
from sandbox.account.parameters import Rule

DEFAULT_SERVICE = "default"
MAX_DATA_BYTES = 16 * 1024
MAX_TTL_SECONDS = 31_536_000
MAX_UNIQUE_NAME = 320


@dataclass(frozen=True, slots=True)
class Document:
    """One document of the default service. `revision` counts its changes."""

    account_sid: str
    sid: str
    unique_name: str | None
    data: Mapping[str, object]
    date_created: datetime
    date_updated: datetime
    date_expires: datetime | None = None
    revision: int = 0

    def json(self) -> dict[str, object]:
        """Return the record as the API answers it; the revision is a string."""
        service = service_sid(self.account_sid)
        url = f"https://sync.twilio.com/v1/Services/{service}/Documents/{self.sid}"
        return {
            "sid": self.sid,
            "unique_name": self.unique_name,
            "account_sid": self.account_sid,
            "service_sid": service,
            "url": url,
            "links": {"permissions": f"{url}/Permissions"},
            "revision": f"{self.revision:x}",
            "data": dict(self.data),
            "date_expires": iso8601(self.date_expires) if self.date_expires else None,
            "date_created": iso8601(self.date_created),
            "date_updated": iso8601(self.date_updated),
            "created_by": "system",
        }


def service_sid(account_sid: str) -> str:
    """Return the SID of the service that `default` stands for."""
    return stable_sid("IS", account_sid)


def document_list(asked: Asked) -> Answer:
    """Answer `/v1/Services/{IS|default}/Documents`."""
    asked.only("GET", "POST")
    _check_service(asked)
    _drop_expired(asked)
    documents = asked.account.documents
    if asked.method == "GET":
        return Answer(200, meta_page("documents", asked.url, list(documents.values()), asked.single))
    form = parameters.read(asked.single, _RULES)
    name = form.get("unique_name")
    if name and any(one.unique_name == name for one in documents.values()):
        raise ApiError(409, 54301, "Unique name already exists")
    now = asked.account.clock()
    blank = Document(asked.account.sid, new_sid("ET"), str(name) if name else None, {}, now, now)
    made = _changed(blank, form, now)
    documents[made.sid] = made
    return _answer(201, made)


def document(asked: Asked) -> Answer:
    """Answer `/v1/Services/{IS|default}/Documents/{ET|unique name}`."""
    asked.only("GET", "POST", "DELETE")
    _check_service(asked)
    record = _document(asked)
    if asked.method == "GET":
        return _answer(200, record)
    if asked.method == "POST":
        asked.account.before_change(record.sid)
        record = _document(asked)
    if asked.if_match is not None and asked.if_match.strip('"') != f"{record.revision:x}":
        raise ApiError(412, 54103, "Document revision mismatch")
    if asked.method == "DELETE":
        del asked.account.documents[record.sid]
        return Answer(204, None)
    now = asked.account.clock()
    changes = parameters.read(asked.single, _RULES)
    after = replace(_changed(record, changes, now), revision=record.revision + 1, date_updated=now)
    asked.account.documents[record.sid] = after
    return _answer(200, after)


def _answer(status: int, record: Document) -> Answer:
    return Answer(status, record.json(), {"ETag": f"{record.revision:x}"})


def _document(asked: Asked) -> Document:
    _drop_expired(asked)
    documents = asked.account.documents
    named = (one for one in documents.values() if one.unique_name == asked.name)
    return asked.found(documents.get(asked.name) or next(named, None))


def _check_service(asked: Asked) -> None:
    if asked.names["service"] not in {DEFAULT_SERVICE, service_sid(asked.account.sid)}:
        asked.found(None)


def _drop_expired(asked: Asked) -> None:
    now = asked.account.clock()
    documents = asked.account.documents
    for sid in [one.sid for one in documents.values() if one.date_expires and one.date_expires <= now]:
        del documents[sid]


def _changed(record: Document, form: Mapping[str, object], now: datetime) -> Document:
    data, ttl = form.get("data"), form.get("ttl")
    if isinstance(data, dict):
        record = replace(record, data=data)
    if isinstance(ttl, int):
        record = replace(record, date_expires=now + timedelta(seconds=ttl) if ttl else None)
    return record


def _data(name: str, value: str) -> dict[str, object]:
    try:
        data = json.loads(value)
    except ValueError:
        data = None
    if not isinstance(data, dict) or len(value.encode()) > MAX_DATA_BYTES:
        raise invalid_parameter(name, f"must be a JSON object of at most {MAX_DATA_BYTES} bytes")
    return data


def _unique_name(name: str, value: str) -> str:
    if len(value) > MAX_UNIQUE_NAME:
        raise invalid_parameter(name, f"must be at most {MAX_UNIQUE_NAME} characters")
    return value


_RULES: Mapping[str, Rule] = {
    "UniqueName": _unique_name,
    "Data": _data,
    "Ttl": parameters.whole_number(0, MAX_TTL_SECONDS),
}
