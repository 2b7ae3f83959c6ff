"""A document as it was written: plain mappings, lists and texts that remember their places.

YAML's own guessing is left out on purpose. Every scalar stays the text that the user typed, so
`+14155550123` keeps its plus and `no` is a word; the models decide what a text means, because only
they know whether a phone number, a switch or a sentence is expected.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from schemas.places import Place


class Plain(str):
    """A scalar without quotes: the one kind that may be a number, a switch or nothing in free-form JSON."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """A text with `${env:…}` or `${file:…}` in it, not resolved yet.

    `place` is where the text stands; files are looked for relative to `place.file`. `announced` says
    that its absence has been reported already.
    """

    text: str
    place: Place
    announced: bool = False


class SourceList(list["Source"]):
    """A sequence, with the place of each item."""

    __slots__ = ("item_places", "place")

    def __init__(self, items: Iterable[Source], place: Place, item_places: Sequence[Place]) -> None:
        super().__init__(items)
        self.place = place
        self.item_places = item_places

    def lacking(self, indexes: Collection[int]) -> SourceList:
        """Return a copy without the items at `indexes`."""
        kept = [index for index in range(len(self)) if index not in indexes]
        places = [self.item_places[index] for index in kept]
        return SourceList([self[index] for index in kept], self.place, places)


class SourceMap(dict[str, "Source"]):
    """A mapping, with the places of its keys and values; `place` is where it begins."""

    __slots__ = ("key_places", "place", "value_places")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.key_places: dict[str, Place] = {}
        self.value_places: dict[str, Place] = {}

    def put(self, key: str, value: Source, key_place: Place, value_place: Place) -> None:
        """Set `key`, remembering where it and its value stand."""
        self[key] = value
        self.key_places[key] = key_place
        self.value_places[key] = value_place

    def without(self, *keys: str) -> SourceMap:
        """Return a copy that lacks `keys`."""
        rest = SourceMap(self.place)
        for key, value in self.items():
            if key not in keys:
                rest.put(key, value, self.key_places[key], self.value_places[key])
        return rest

    def lacking(self, paths: Iterable[Sequence[str | int]]) -> SourceMap:
        """Return a copy without what stands at `paths`: the whole field, or the one entry of a list field."""
        fields: set[str] = set()
        items: dict[str, set[int]] = {}
        for path in paths:
            key, index = path[0] if path else None, path[1] if len(path) > 1 else None
            if isinstance(key, str) and isinstance(self.get(key), SourceList) and isinstance(index, int):
                items.setdefault(key, set()).add(index)
            elif isinstance(key, str):
                fields.add(key)
        rest = self.without(*fields)
        for key, dropped in items.items():
            value = rest.get(key)
            if isinstance(value, SourceList):
                rest[key] = value.lacking(dropped)
        return rest

    def over(self, base: SourceMap) -> SourceMap:
        """Return this mapping laid over `base`: mappings merge deeply, everything else is replaced."""
        merged = base.without()
        merged.place = self.place
        for key, value in self.items():
            below = base.get(key)
            if isinstance(value, SourceMap) and isinstance(below, SourceMap):
                value = value.over(below)
            merged.put(key, value, self.key_places[key], self.value_places[key])
        return merged

    def place_of(self, path: Iterable[str | int]) -> Place:
        """Return the place of the value at `path`, or of the nearest thing above it that was written.

        Steps that name nothing in the document (a default, a shorthand spelled out) are passed over.
        """
        return self._at(path)[0]

    def value_of(self, path: Iterable[str | int]) -> Source:
        """Return the value at `path`, passing over the same steps as `place_of`."""
        return self._at(path)[1]

    def _at(self, path: Iterable[str | int]) -> tuple[Place, Source]:
        here: Source = self
        place = self.place
        for step in path:
            if isinstance(here, SourceMap) and isinstance(step, str) and step in here:
                place, here = here.value_places[step], here[step]
            elif isinstance(here, SourceList) and isinstance(step, int) and 0 <= step < len(here):
                place, here = here.item_places[step], here[step]
        return place, here


Source: TypeAlias = str | Reference | SourceMap | SourceList | None


def folder_of(place: Place) -> Path:
    """Return the absolute folder of the file that `place` is in: relative paths start there."""
    return Path(place.file).absolute().parent
