"""A document of the fleet: what it declares, how it was written, and its model once that is valid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.account import Account
from schemas.agent import Agent
from schemas.campaign import Campaign
from schemas.declared import Declared
from schemas.hold import Hold
from schemas.places import Place
from schemas.service import Service
from schemas.source import SourceMap
from schemas.whitelist import Whitelist

KINDS: dict[str, type[Declared]] = {
    "Service": Service,
    "Account": Account,
    "Agent": Agent,
    "Hold": Hold,
    "Whitelist": Whitelist,
    "Campaign": Campaign,
}

# Kinds of the language that this version does not read.
LATER_KINDS = ("Scenario",)


LayerName = Literal["overlay", "document", "defaults"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One of the places that a document's values come from, as it was written there."""

    name: LayerName
    source: SourceMap


@dataclass(frozen=True, slots=True)
class Entry:
    """One document.

    `model` is None while it is unread, and the sound part of it unless it is `valid`. `implicit`
    documents were not written: they stand for what the environment declares. `source` is what all
    `layers` say together, the first of them winning.
    """

    kind: str
    name: str
    source: SourceMap
    model: Declared | None = None
    valid: bool = False
    implicit: bool = False
    layers: tuple[Layer, ...] = ()

    @property
    def name_place(self) -> Place:
        """Where the document says its name, or where it begins."""
        return self.source.place_of(("name",))
