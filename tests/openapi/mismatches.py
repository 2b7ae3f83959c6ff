"""Where Twilio's published documents and Twilio's service are known to differ: the one table.

Each entry says what the documents say, what the service does, and where that is known from. The
check is as strict as the documents in everything that does not stand here.
"""

from __future__ import annotations

from collections.abc import Mapping

# APIs that the service and the `twilio` library have, and these documents do not: (product, path prefix).
UNPUBLISHED: Mapping[tuple[str, str], str] = {
    ("routes", "/v3/"): "added after these documents; twilio-python 9.13 has it",
    ("sync", "/v1/"): "a document of its own, which is not among those checked here",
}

# Files beside the resources: (product, pattern of the path).
UNPUBLISHED_FILES: tuple[tuple[str, str], ...] = (
    # A recording's media, which `media_url` and the callbacks name; the library fetches them as such.
    ("api", r"/2010-04-01/Accounts/AC[0-9a-f]{32}/Recordings/RE[0-9a-f]{32}(\.wav|\.mp3)?"),
    # The files of an inbound message, which its webhook names in `MediaUrl0`.
    ("api", r"/2010-04-01/Accounts/AC[0-9a-f]{32}/Messages/(SM|MM)[0-9a-f]{32}/Media/ME[0-9a-f]{32}"),
)

# Parameters that the service and the library have, and these documents do not.
UNPUBLISHED_PARAMETERS: Mapping[str, frozenset[str]] = {
    "/2010-04-01/Accounts/{AccountSid}/Calls.json": frozenset(("RecordingConfigurationId", "Passports")),
}

# Strings with a pattern or a format may be empty: a request clears a field so, and the documents' own
# examples answer "" for SIDs and URLs that are not set.
EMPTY_STRINGS_ARE_ALLOWED = True

# Formats that the documents give to something else: `uri` is also said of the relative addresses in
# lists of the 2010-04-01 API (their own examples have them).
URIS_MAY_BE_RELATIVE_IN = "/2010-04-01/"

# No document has an answer of 4xx or 5xx. The service's body is the classic one.
ERROR_BODY: Mapping[str, object] = {
    "type": "object",
    "required": ["code", "message", "more_info", "status"],
    "additionalProperties": False,
    "properties": {
        "code": {"type": "integer"},
        "message": {"type": "string", "minLength": 1},
        "more_info": {"type": "string", "pattern": "^https?://www\\.twilio\\.com/docs/errors/\\d+$"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "details": {"type": "object"},
    },
}

# Patterns that are narrower than the service, by the name of the field.
WIDER_PATTERNS: Mapping[str, str] = {
    # The library's description: a user (US…), or the account (AC…) when the API was used.
    "actor_sid": "^(US|AC)[0-9a-fA-F]{32}$",
}

# Fields that the documents list and the service may leave out.
OPTIONAL_FIELDS = frozenset(
    (
        "voice_receive_mode",  # absent on accounts without fax
        "label",  # of a sender's websites and addresses, which people fill in
    )
)
