"""The types that fields of several kinds share: phone numbers, URLs, names, choices, lists of one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from schemas import codes
from schemas.reading import Reading, problem, shown
from schemas.references import Resolved, Unresolved
from schemas.source import Plain, Reference
from schemas.suggestions import did_you_mean, listed
from schemas.templates import PLACE, has_place_in_host

E164_PATTERN = r"^\+[1-9]\d{6,14}$"
PREFIX_PATTERN = r"^\+[1-9]\d{0,13}\*$"
NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
# As Twilio's recognisers and voices name languages: en, de-DE, arb, es-419, cmn-Hans-CN, en-GB-WLS.
LANGUAGE_PATTERN = r"^([a-z]{2,3}(-[A-Za-z]{4})?(-([A-Z]{2}|[0-9]{3}))?(-[A-Z]{3})?|multi)$"
ACCOUNT_SID_PATTERN = r"^AC[0-9a-fA-F]{32}$"

_E164 = re.compile(E164_PATTERN.replace("$", r"\Z"), re.ASCII)
_PREFIX = re.compile(PREFIX_PATTERN.replace("$", r"\Z"), re.ASCII)
_NAME = re.compile(NAME_PATTERN.replace("$", r"\Z"), re.ASCII)
_LANGUAGE = re.compile(LANGUAGE_PATTERN.replace("$", r"\Z"), re.ASCII)
_ACCOUNT_SID = re.compile(ACCOUNT_SID_PATTERN.replace("$", r"\Z"), re.ASCII)
_LOOPBACK = re.compile(r"localhost|.*\.localhost|127(\.\d{1,3}){3}|::1")

# An unquoted +14155550123 is a number to editors, and a text to us.
PHONE_SCHEMA: JsonSchemaValue = {"anyOf": [{"type": "string", "pattern": E164_PATTERN}, {"type": "integer"}]}


def is_phone_number(text: str) -> bool:
    """Tell whether `text` is a phone number in E.164 form."""
    return _E164.match(text) is not None


def is_prefix(text: str) -> bool:
    """Tell whether `text` is the beginning of phone numbers, such as `+1415*`."""
    return _PREFIX.match(text) is not None


def is_name(text: str) -> bool:
    """Tell whether `text` can name a document."""
    return _NAME.match(text) is not None


def phone_number_hint(text: str) -> str:
    """Return what to add to an error about `text`, when it is clear what was meant."""
    digits = re.sub(r"[\s().-]", "", text)
    if re.fullmatch(r"00[1-9]\d{6,14}", digits):
        return f"; did you mean +{digits[2:]}?"
    # Ten digits are most often a national number: a plus alone would make another country's of it.
    if re.fullmatch(r"\+[1-9]\d{6,14}|[1-9]\d{10,14}", digits):
        return f"; did you mean +{digits.removeprefix('+')}?"
    return "; begin with + and the country code, like +14155550123"


def text_check(check: Callable[[str], str]) -> BeforeValidator:
    """Return a validator that checks texts, and leaves other types and unresolved references alone."""

    def run(value: Any) -> Any:
        return check(value) if isinstance(value, str) and not isinstance(value, Unresolved) else value

    return BeforeValidator(run)


def _language(text: str) -> str:
    if _LANGUAGE.match(text) is None:
        language, _, country = text.replace("_", "-").partition("-")
        meant = f"{language.lower()}-{country.upper()}"
        is_clear = _LANGUAGE.match(meant) is not None and not isinstance(text, Resolved)
        hint = f"; did you mean {meant}?" if is_clear else ""
        raise problem(codes.BAD_VALUE, f"expected a language such as en or de-DE, got {shown(text)}{hint}")
    return text


Language = Annotated[
    str, text_check(_language), WithJsonSchema({"type": "string", "pattern": LANGUAGE_PATTERN})
]


def _phone_number(text: str) -> str:
    if not is_phone_number(text):
        hint = "" if isinstance(text, Resolved) else phone_number_hint(text)
        raise problem(
            codes.BAD_PHONE_NUMBER, f"expected a phone number in E.164 form, got {shown(text)}{hint}"
        )
    return text


def _caller(text: str) -> str:
    if text.endswith("*"):
        if not is_prefix(text):
            message = f"expected a prefix such as +1415*, got {shown(text)}"
            raise problem(codes.BAD_PHONE_NUMBER, message)
        return text
    return _phone_number(text)


def _name(text: str) -> str:
    if not is_name(text):
        message = f"a name has small letters, digits and hyphens, 63 at most; got {shown(text)}"
        raise problem(codes.BAD_NAME, message)
    return text


def _account_sid(text: str) -> str:
    # The value is not repeated: what stands here by mistake may be a token.
    if not _ACCOUNT_SID.match(text):
        raise problem(codes.BAD_VALUE, "an account SID is AC and 32 hexadecimal digits")
    return text


def _http_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or (parts.port or 1) < 1
    except ValueError:
        wrong = True
    if wrong or re.search(r"\s", text):
        raise problem(codes.BAD_URL, f"expected a URL such as https://phones.example.com, got {shown(text)}")
    return text


def _request_url(text: str) -> str:
    if has_place_in_host(text):
        raise problem(codes.BAD_URL, "{{ … }} may stand in the path and the query of a URL, not in its host")
    _http_url(PLACE.sub("x", text))
    return text


def _public_url(text: str) -> str:
    parts = urlsplit(_http_url(text))
    if parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname or ""):
        raise problem(codes.BAD_URL, "the public URL must be https; http is for this machine only")
    if "?" in text or "#" in text:
        raise problem(codes.BAD_URL, "the public URL has neither a query nor a fragment")
    if "@" in parts.netloc:
        raise problem(codes.BAD_URL, "the public URL has no user name or password in it")
    return text.rstrip("/")


PhoneNumber = Annotated[str, text_check(_phone_number), WithJsonSchema(PHONE_SCHEMA)]
Caller = Annotated[
    str,
    text_check(_caller),
    WithJsonSchema({"anyOf": [*PHONE_SCHEMA["anyOf"], {"type": "string", "pattern": PREFIX_PATTERN}]}),
]
Name = Annotated[str, text_check(_name), WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})]
AccountSid = Annotated[
    str, text_check(_account_sid), WithJsonSchema({"type": "string", "pattern": ACCOUNT_SID_PATTERN})
]
HttpUrl = Annotated[str, text_check(_http_url), WithJsonSchema({"type": "string", "pattern": "^https?://"})]
RequestUrl = Annotated[
    str, text_check(_request_url), WithJsonSchema({"type": "string", "pattern": "^https?://"})
]
PublicUrl = Annotated[
    str, text_check(_public_url), WithJsonSchema({"type": "string", "pattern": "^https?://[^?#]+$"})
]
Text = Annotated[str, Field(min_length=1)]
# A caller, or the name of a Whitelist: which of them a text is meant to be is for a rule to tell.
CallerOrList = Annotated[
    Text, WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]})
]


def choice(literal: object) -> BeforeValidator:
    """Return a validator for a `Literal` whose error lists what is allowed and suggests the nearest."""
    allowed: tuple[str, ...] = get_args(literal)

    def run(value: Any) -> Any:
        if value not in allowed:
            is_typed = isinstance(value, str) and not isinstance(value, Resolved)
            hint = did_you_mean(value, allowed) if is_typed else ""
            raise problem(codes.BAD_VALUE, f"expected {listed(allowed)}, got {shown(value)}{hint}")
        return value

    return BeforeValidator(run)


RegionName = Literal["us1", "ie1", "au1"]
Region = Annotated[RegionName, choice(RegionName)]


@dataclass(frozen=True, slots=True)
class OneOrMore:
    """Marks a tuple field that may be written as its only entry, without the list around it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_listed, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


@dataclass(frozen=True, slots=True)
class Shorthand:
    """Marks a model that may be written as the text of one of its fields."""

    field: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def spelled_out(value: object) -> object:
            return {self.field: value} if isinstance(value, str) else value

        return core_schema.no_info_before_validator_function(spelled_out, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        whole = handler(schema)
        return {"anyOf": [handler.resolve_ref_schema(whole)["properties"][self.field], whole]}


def _json(value: Any, info: ValidationInfo) -> Any:
    """Turn a source into JSON: unquoted scalars get the types of YAML 1.2, references are resolved."""
    if isinstance(value, Reference):
        return info.context.text(value) if isinstance(info.context, Reading) else value.text
    if isinstance(value, Plain):
        return _typed(value)
    if isinstance(value, dict):
        return {key: _json(item, info) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item, info) for item in value]
    return value


def _typed(text: str) -> bool | int | float | str:
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text):
        return int(text)
    if re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?", text):
        return float(text)
    return str(text)


Json = Annotated[JsonValue, BeforeValidator(_json)]
JsonObject = Annotated[dict[str, JsonValue], BeforeValidator(_json)]
