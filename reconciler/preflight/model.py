"""The model: is there a key, and does the server take it?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from reconciler.preflight.asking import Answer, Asker, NoAnswerError
from reconciler.preflight.finding import Finding, Subject

OPENAI_URL = "https://api.openai.com/v1"

_MOST_BYTES = 2_000_000
_NO_LIST = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)


async def check_model(environ: Mapping[str, str], models: Iterable[str], asker: Asker) -> list[Finding]:
    """Check the key, and ask for the list of models, which costs nothing. `models` are those in use."""
    subject = Subject("model")
    key = environ.get("OPENAI_API_KEY")
    if not key:
        advice = "Set it where tm serve runs, and here to have it checked."
        return [subject.failed("key", "OPENAI_API_KEY is not set", advice)]
    base = (environ.get("OPENAI_BASE_URL") or OPENAI_URL).rstrip("/")
    has_key = subject.ok("key", "OPENAI_API_KEY is set")
    host = _host(base)
    if host is None:
        return [has_key, subject.failed("server", "OPENAI_BASE_URL is not a URL", "Correct it.")]
    try:
        answer = await asker.ask(
            "GET", f"{base}/models", headers={"Authorization": f"Bearer {key}"}, most_bytes=_MOST_BYTES
        )
    except NoAnswerError as error:
        advice = "Is it reachable from here, and OPENAI_BASE_URL right?"
        return [has_key, subject.failed("server", f"{host}: {error}", advice)]
    return [has_key, judge_models(subject, host, answer, models)]


def judge_models(subject: Subject, host: str, answer: Answer, models: Iterable[str]) -> Finding:
    """Judge the list of models."""
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        advice = "Set OPENAI_API_KEY to a live key of the project."
        return subject.failed("server", f"{host} refuses the key ({answer.status})", advice)
    if answer.status in _NO_LIST:
        found = f"{host} answers, but lists no models: the key is not checked"
        return subject.warning("server", found, "Compatible servers may lack the list; a call will tell.")
    if answer.status != HTTPStatus.OK:
        advice = "Look at https://status.openai.com."
        return subject.failed("server", f"{host} answers {answer.status}", advice)
    known = _model_ids(answer.body)
    missing = sorted(set(models) - known)
    if missing:
        found = f"{host} takes the key, but does not list {', '.join(missing)}"
        return subject.warning("server", found, "Check voice.model, or the project's access to it.")
    return subject.ok("server", f"{host} takes the key")


def _model_ids(body: bytes) -> frozenset[str]:
    """Return the ids of `{"data": [{"id": …}]}`; none for any other document."""
    try:
        document = json.loads(body)
        return frozenset(str(item["id"]) for item in document["data"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return frozenset()


def _host(url: str) -> str | None:
    """Return the host of a URL; a URL may hold a password, so it is never shown whole."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
