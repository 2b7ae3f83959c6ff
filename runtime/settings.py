"""What the runtime takes from its environment, apart from the declarations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import TmError


class MissingSettingError(TmError):
    """An environment variable that the runtime cannot do without is not set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment of one node. Secrets are not part of the repr.

    `node_url` is this node's own public URL, where the sockets of its calls go; None means the
    service's. Without `api_token` the API answers loopback only. `twilio_api_url` takes the place of Twilio's
    hosts; `state_dir` is where this machine's own files are kept.
    """

    openai_api_key: str = field(repr=False)
    database_url: str = field(repr=False)
    openai_base_url: str | None = None
    openai_organization: str | None = None
    openai_project: str | None = None
    api_token: str | None = field(default=None, repr=False)
    node_url: str | None = None
    twilio_api_url: str | None = None
    state_dir: Path = Path(".tm")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings. Raises `MissingSettingError` when there is no `OPENAI_API_KEY`.

        A variable that is set but empty counts as not set.
        """
        openai_api_key = environ.get("OPENAI_API_KEY")
        if not openai_api_key:
            raise MissingSettingError(
                "OPENAI_API_KEY is not set: the agents have no model to talk with.",
                hint="Set it to a key of your OpenAI project; `tm demo` needs none.",
            )
        node_url = environ.get("TM_NODE_URL") or None
        return cls(
            openai_api_key=openai_api_key,
            database_url=database_url(environ),
            openai_base_url=environ.get("OPENAI_BASE_URL") or None,
            openai_organization=environ.get("OPENAI_ORG_ID") or None,
            openai_project=environ.get("OPENAI_PROJECT_ID") or None,
            api_token=environ.get("TM_API_TOKEN") or None,
            node_url=node_url.rstrip("/") if node_url else None,
            twilio_api_url=environ.get("TM_TWILIO_API_URL") or None,
            state_dir=state_dir(environ),
        )


def database_url(environ: Mapping[str, str]) -> str:
    """Return where call records are kept: `TM_DATABASE_URL`, or a SQLite file in the state folder."""
    return environ.get("TM_DATABASE_URL") or f"sqlite:///{state_dir(environ) / 'calls.sqlite3'}"


def state_dir(environ: Mapping[str, str]) -> Path:
    """Return the state folder: `TM_STATE_DIR`, or `.tm`."""
    return Path(environ.get("TM_STATE_DIR") or ".tm")
