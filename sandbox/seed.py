"""What the sandbox's account holds at its start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sandbox.account.account import Account
from sandbox.account.applications import Application
from sandbox.account.formats import stable_hex, stable_sid
from sandbox.account.hosts import DEFAULT_REGION
from sandbox.account.messaging import MessagingService
from sandbox.account.numbers import Capabilities, PhoneNumber
from sandbox.account.senders import Sender

# The same on every start, so that a shell keeps its exports. They open nothing but a sandbox.
DEFAULT_ACCOUNT_SID = stable_sid("AC", "sandbox account")
DEFAULT_AUTH_TOKEN = stable_hex("sandbox auth token")
DEFAULT_OPENAI_KEY = "sk-sandbox-" + stable_hex("sandbox model key")


@dataclass(frozen=True, slots=True)
class NumberSeed:
    """A number that the account owns (E.164) and how one Region has it; other Regions have it blank."""

    number: str
    friendly_name: str | None = None
    region: str = DEFAULT_REGION
    voice: bool = True
    sms: bool = True
    voice_url: str | None = None
    voice_method: str = "POST"
    voice_fallback_url: str | None = None
    status_callback: str | None = ""
    voice_application_sid: str | None = ""
    trunk_sid: str | None = None
    voice_caller_id_lookup: bool = False
    sms_url: str | None = ""

    def record(self, account_sid: str) -> PhoneNumber:
        """Return the number's record."""
        blank = PhoneNumber.new(account_sid, self.number)
        return replace(
            blank,
            friendly_name=self.friendly_name or blank.friendly_name,
            capabilities=Capabilities(voice=self.voice, sms=self.sms, mms=self.sms),
            voice_url=self.voice_url,
            voice_method=self.voice_method,
            voice_fallback_url=self.voice_fallback_url,
            status_callback=self.status_callback,
            voice_application_sid=self.voice_application_sid,
            trunk_sid=self.trunk_sid,
            voice_caller_id_lookup=self.voice_caller_id_lookup,
            sms_url=self.sms_url,
        )


@dataclass(frozen=True, slots=True)
class Seed:
    """The account at its start.

    `regional_tokens` gives Regions their own auth token (the others share `auth_token`), `api_keys`
    maps Standard API keys to their secrets, `routes` says which Region answers a number,
    `account_type` is Full or Trial; of a Trial, `verified_callers` may be called and nobody else. A
    Messaging Service or sender without a SID gets one that depends on its name. `templates` maps content SIDs
    (HX…) to texts with {{1}}.
    """

    numbers: tuple[NumberSeed, ...] = ()
    account_sid: str = DEFAULT_ACCOUNT_SID
    auth_token: str = field(default=DEFAULT_AUTH_TOKEN, repr=False)
    openai_key: str = field(default=DEFAULT_OPENAI_KEY, repr=False)
    regional_tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    api_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    applications: tuple[Application, ...] = ()
    messaging_services: tuple[MessagingService, ...] = ()
    senders: tuple[Sender, ...] = ()
    templates: Mapping[str, str] = field(default_factory=dict)
    routes: Mapping[str, str] = field(default_factory=dict)
    account_type: str = "Full"
    verified_callers: tuple[str, ...] = ()

    def account(self) -> Account:
        """Return a new account as the seed describes it."""
        account = Account(
            sid=self.account_sid,
            auth_token=self.auth_token,
            regional_tokens=dict(self.regional_tokens),
            api_keys=dict(self.api_keys),
            type=self.account_type,
            verified_callers=self.verified_callers,
            templates=dict(self.templates),
            applications={one.sid: replace(one, account_sid=self.account_sid) for one in self.applications},
        )
        for service in self.messaging_services:
            sid = service.sid or stable_sid("MG", service.friendly_name)
            account.messaging_services[sid] = replace(service, sid=sid, account_sid=self.account_sid)
        for sender in self.senders:
            sid = sender.sid or stable_sid("XE", sender.sender_id)
            account.senders[sid] = replace(sender, sid=sid)
        for one in self.numbers:
            account.add(one.record(self.account_sid), one.region)
        for number, region in self.routes.items():
            account.set_route(number, region)
        return account
