"""What passes between a client and the account: a request as a resource gets it, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from sandbox.account.errors import method_not_allowed, not_found

if TYPE_CHECKING:
    from sandbox.account.account import Account
    from sandbox.account.events import Actor

Params = Mapping[str, tuple[str, ...]]
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Media:
    """A body that is not JSON."""

    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, JSON body (None for 204 and media) and headers beyond those that all have."""

    status: int
    body: Mapping[str, object] | None
    headers: Mapping[str, str] = field(default_factory=dict)
    media: Media | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One authenticated request to a resource.

    `names` are what the path names, `params` query and form, `document` the JSON body where there is
    one, and `actor` is whoever has signed in.
    """

    account: Account
    host: str
    region: str
    method: str
    path: str
    names: Mapping[str, str]
    params: Params
    actor: Actor
    document: object = None
    if_match: str | None = None

    @property
    def single(self) -> dict[str, str]:
        """The parameters, the last value of each."""
        return {name: values[-1] for name, values in self.params.items()}

    @property
    def name(self) -> str:
        """The record that the path names."""
        return self.names["name"]

    @property
    def url(self) -> str:
        """The absolute URL that was asked, without its query."""
        return f"https://{self.host}{self.path}"

    def only(self, *methods: str) -> None:
        """Refuse every other method with 405. Raises ApiError."""
        if self.method not in methods:
            raise method_not_allowed()

    def found(self, record: Record | None) -> Record:
        """Return the record. Raises ApiError (404) where there is none."""
        if record is None:
            raise not_found(self.path)
        return record


Handler = Callable[[Asked], Answer]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer as bytes, for an observer. `dropped` answers never reached the client."""

    method: str
    host: str
    path: str
    query: str
    content_type: str
    body: bytes
    status: int
    answer: bytes
    dropped: bool


Observer = Callable[[Exchange], None]
