"""Rules within one document that are about several fields, or about the world: media."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from schemas import codes
from schemas.account import Account
from schemas.agent import NOT_ACTED_ON, Agent
from schemas.entry import Entry
from schemas.hold import NEEDED_FIELDS, Hold
from schemas.media import LONGEST_PLAYED, SHORTEST_LOOP, MediaForm, MediaProblem, inspect_media
from schemas.model_rules import check_models
from schemas.places import Diagnostic, Place
from schemas.references import has_reference
from schemas.source import SourceMap
from schemas.suggestions import listed
from schemas.tool_rules import check_tools
from schemas.variable_rules import check_variables
from schemas.voice_names import check_say_voice
from schemas.voice_rules import check_voice

FieldPath = tuple[str | int, ...]


class FieldRules:
    """Checks documents one by one; each media file is opened once, however many holds play it."""

    def __init__(self) -> None:
        self._media: dict[Path, MediaForm | MediaProblem | None] = {}

    def check(self, entry: Entry) -> Iterator[Diagnostic]:
        """Yield what is wrong with a document beyond its single fields.

        What a document lacks is said only when the rest of it is right: it may be misspelled there.
        """
        if isinstance(entry.model, Account) and entry.valid:
            yield from _check_account(entry.model, entry.source)
        elif isinstance(entry.model, Hold):
            if entry.valid:
                yield from _check_strategy(entry.model, entry.source, ())
            yield from self._check_sound_of(entry.model, entry.source, ())
        elif isinstance(entry.model, Agent):
            yield from check_voice(entry.model, entry.source)
            yield from check_models(entry.model, entry.source)
            yield from check_tools(entry.model, entry.source)
            yield from check_variables(entry.model, entry.source)
            yield from _check_whatsapp(entry.model, entry.source)
            yield from _check_sms(entry.model, entry.source)
            yield from _not_acted_on(entry.model, entry.source)
            if isinstance(entry.model.hold, Hold):
                if entry.valid:
                    yield from _check_strategy(entry.model.hold, entry.source, ("hold",))
                yield from self._check_sound_of(entry.model.hold, entry.source, ("hold",))

    def _check_sound_of(self, hold: Hold, source: SourceMap, path: FieldPath) -> Iterator[Diagnostic]:
        yield from check_say_voice(hold.voice, source.place_of((*path, "voice")))
        for name, file in (("audio", hold.audio), ("music", hold.music)):
            if file is not None and not has_reference(str(file)):
                place = source.place_of((*path, name))
                yield from _judge_media(file, self._inspected(file), place, is_loop=name == "music")

    def _inspected(self, file: Path) -> MediaForm | MediaProblem | None:
        if file not in self._media:
            try:
                self._media[file] = inspect_media(file)
            except FileNotFoundError:
                self._media[file] = None
            except MediaProblem as problem:
                self._media[file] = problem
        return self._media[file]


def _judge_media(
    file: Path, form: MediaForm | MediaProblem | None, place: Place, *, is_loop: bool
) -> Iterator[Diagnostic]:
    """Say what is wrong with a hold's file; `form` is None where there is none."""
    shown = os.path.relpath(file)
    if form is None:
        yield _error(codes.MISSING_MEDIA, f"there is no file {shown}", place)
    elif isinstance(form, MediaProblem):
        yield _error(codes.BAD_MEDIA, f"{shown} {form}", place)
    elif is_loop and form.seconds < SHORTEST_LOOP:
        message = f"{shown} lasts {form.seconds:.2f} s; music is repeated, and {SHORTEST_LOOP} s is the least"
        yield _error(codes.BAD_MEDIA, message, place)
    elif form.seconds > LONGEST_PLAYED:
        message = (
            f"{shown} lasts {form.seconds / 60:.0f} minutes; "
            f"the first {LONGEST_PLAYED // 60} are kept in memory and played"
        )
        yield Diagnostic("warning", codes.LONG_MEDIA, message, place)


def _check_strategy(hold: Hold, source: SourceMap, path: FieldPath) -> Iterator[Diagnostic]:
    missing = [name for name in NEEDED_FIELDS[hold.strategy] if not _is_set(source, path, name)]
    if missing:
        message = f"strategy {hold.strategy} needs {listed(missing, 'and')}"
        yield _error(codes.INCOMPLETE, message, source.place_of((*path, "strategy")))


def _is_set(source: SourceMap, path: FieldPath, name: str) -> bool:
    """Tell whether a field was written, even where a reference in it cannot be resolved yet."""
    mapping = source.value_of(path)
    return isinstance(mapping, SourceMap) and mapping.get(name) is not None


def _check_account(account: Account, source: SourceMap) -> Iterator[Diagnostic]:
    yield from _check_credentials(source, ())
    for region in account.regions:
        yield from _check_credentials(source, ("regions", region))


def _check_credentials(source: SourceMap, path: FieldPath) -> Iterator[Diagnostic]:
    has_key, has_secret = _is_set(source, path, "api_key"), _is_set(source, path, "api_secret")
    if has_key and not has_secret:
        yield _error(codes.INCOMPLETE, "api_key needs api_secret", source.place_of((*path, "api_key")))
    elif has_secret and not has_key:
        yield _error(codes.INCOMPLETE, "api_secret needs api_key", source.place_of((*path, "api_secret")))
    elif not has_key and not _is_set(source, path, "auth_token"):
        message = "credentials are missing: auth_token, or api_key and api_secret"
        yield _error(codes.INCOMPLETE, message, source.place_of(path))


def _check_whatsapp(agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    path = ("whatsapp",)
    either = any(_is_set(source, path, name) for name in ("sender", "messaging_service"))
    if agent.whatsapp is not None and not either:
        message = "whatsapp needs sender or messaging_service"
        yield _error(codes.INCOMPLETE, message, source.place_of(path))


def _check_sms(agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    if agent.sms and not _is_set(source, (), "numbers"):
        yield _error(codes.INCOMPLETE, "sms needs numbers", source.place_of(("sms",)))


def _not_acted_on(agent: Agent, source: SourceMap) -> Iterator[Diagnostic]:
    for name in NOT_ACTED_ON:
        if name in agent.model_fields_set and getattr(agent, name):
            message = f"{name} is declared, but this version does not act on it"
            yield Diagnostic("warning", codes.NOT_ACTED_ON, message, source.place_of((name,)))


def _error(code: str, message: str, place: Place) -> Diagnostic:
    return Diagnostic("error", code, message, place)
