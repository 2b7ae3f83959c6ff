"""A Twilio account: its records, and the REST API (version 2010-04-01) over them.

`numbers`, `calls` and `paging` hold the rules as functions of values; `account` holds the records;
`routes` is the HTTP shell with authentication, faults and the log of requests.
"""

from __future__ import annotations

from sandbox.account.account import Account, Alert, ApiRequest, Application
from sandbox.account.faults import Faults
from sandbox.account.numbers import PhoneNumber

__all__ = ["Account", "Alert", "ApiRequest", "Application", "Faults", "PhoneNumber"]
