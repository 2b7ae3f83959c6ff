"""OutgoingCallerIds: numbers whose owners have confirmed them. A trial account may call no others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sandbox.account.exchange import Answer, Asked
from sandbox.account.formats import API_VERSION, national, rfc2822, stable_sid
from sandbox.account.paging import page


@dataclass(frozen=True, slots=True)
class CallerId:
    """One verified number."""

    account_sid: str
    phone_number: str
    created: datetime

    @property
    def sid(self) -> str:
        """The SID (PN…), which depends on the number."""
        return stable_sid("PN", f"{self.account_sid}/verified/{self.phone_number}")

    @property
    def friendly_name(self) -> str:
        """The name that Twilio gives it at first."""
        return national(self.phone_number)

    def json(self) -> dict[str, object]:
        """Return the record as the API answers it."""
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "friendly_name": self.friendly_name,
            "phone_number": self.phone_number,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.created),
            "uri": f"/{API_VERSION}/Accounts/{self.account_sid}/OutgoingCallerIds/{self.sid}.json",
        }


def caller_id_list(asked: Asked) -> Answer:
    """Answer `GET /OutgoingCallerIds.json`; verifying one needs a telephone and is not here."""
    asked.only("GET")
    filters = asked.single
    shown = [
        one
        for one in _all(asked)
        if filters.get("PhoneNumber", one.phone_number) == one.phone_number
        and filters.get("FriendlyName", one.friendly_name) == one.friendly_name
    ]
    return Answer(200, page("outgoing_caller_ids", asked.path, shown, filters))


def caller_id(asked: Asked) -> Answer:
    """Answer `GET /OutgoingCallerIds/{PN}.json`."""
    asked.only("GET")
    return Answer(200, asked.found(next((one for one in _all(asked) if one.sid == asked.name), None)).json())


def _all(asked: Asked) -> list[CallerId]:
    account = asked.account
    return [CallerId(account.sid, number, account.created) for number in account.verified_callers]
