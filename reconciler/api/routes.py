"""Routes: which region processes the calls of a number.

Twilio: `routes.twilio.com/v2/PhoneNumbers/{E164}`, on the regional hosts as well; 404 is a number that was
never routed, and stands for us1. A change takes up to 5 minutes.
"""

from __future__ import annotations

from http import HTTPStatus

from reconciler.api.errors import ApiRefusedError
from reconciler.api.library import Session
from reconciler.api.ports import Receipt
from reconciler.api.retry import header
from reconciler.resource.defaults import HOME_REGION


class Routes:
    """Asks for and sets the region of a number. Raises ApiError."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._routes = session.client.routes.v2.phone_numbers

    async def fetch(self, number: str) -> str:
        """Return the region that the calls of a number (E.164) are routed to."""
        try:
            answer = await self._routes(number).fetch_async()
        except ApiRefusedError as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return HOME_REGION
            raise
        return self._session.required(answer, "voice_region", "route of a phone number")

    async def update(self, number: str, region: str) -> Receipt:
        """Route the calls of a number to a region."""
        answer = await self._routes(number).update_with_http_info_async(voice_region=region)
        return Receipt(header(answer.headers, "Twilio-Request-Id"))
