"""The document that a lease is kept in, through the `twilio` library: Sync, the default service."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import ValidationError
from twilio.rest.sync.v1.service.document import DocumentInstance

from reconciler.api.errors import ApiRefusedError
from reconciler.api.library import Session
from reconciler.applying.lease import Found
from reconciler.applying.lock import Holder

NAME = "tm-apply"
_WHAT = "Sync document"


class SyncDocument:
    """The document `tm-apply` of one account. Raises ApiError."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._documents = session.client.sync.v1.services("default").documents

    async def create(self, holder: Holder, ttl: int) -> str | None:
        """Make the document and return its revision, or None when there is one."""
        try:
            made = await self._documents.create_async(unique_name=NAME, data=_data(holder), ttl=ttl)
        except ApiRefusedError as refused:
            if refused.status == HTTPStatus.CONFLICT:
                return None
            raise
        return self._session.required(made, "revision", _WHAT)

    async def fetch(self) -> Found | None:
        """Return the document, or None when there is none."""
        try:
            found = await self._documents(NAME).fetch_async()
        except ApiRefusedError as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return Found(self._session.required(found, "revision", _WHAT), _holder(found), found.date_expires)

    async def replace(self, revision: str, holder: Holder | None, ttl: int) -> str | None:
        """Write over this revision and return the next one, or None when it is not the last any more."""
        try:
            written = await self._documents(NAME).update_async(if_match=revision, data=_data(holder), ttl=ttl)
        except ApiRefusedError as refused:
            if refused.status in (HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND):
                return None
            raise
        return self._session.required(written, "revision", _WHAT)


def _data(holder: Holder | None) -> dict[str, object]:
    return {"holder": holder.model_dump() if holder else None}


def _holder(document: DocumentInstance) -> Holder | None:
    """Return who the document names; somebody without a name where it is not of our making."""
    data = document.data if isinstance(document.data, dict) else {}
    if data.get("holder", "") is None:
        return None
    try:
        return Holder.model_validate(data.get("holder"))
    except ValidationError:
        return Holder(actor="somebody", host="an unknown machine", pid=0, since="an unknown time")
