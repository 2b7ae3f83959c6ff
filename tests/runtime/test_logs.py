"""What stands on log lines, and what never does."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from runtime.figures.logs import LogFormat, configure, get_logger
from runtime.figures.tracebacks import where_it_broke

NUMBER = "+14155550190"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("runtime")
    before = root.handlers, root.level, ours.level
    yield
    root.handlers = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def crash(words: str) -> None:
    """Fail as a bug does that meets a caller's words: as a cause, and as one of several."""
    try:
        raise ExceptionGroup("of a call", [KeyError(words)])
    except ExceptionGroup as group:
        raise ValueError(words) from group


def logged(form: LogFormat, level: str = "info", logger: str = "runtime.session") -> str:
    stream = io.StringIO()
    configure(level, form, stream)
    try:
        crash(NUMBER)
    except ValueError:
        if logger.startswith("runtime"):
            get_logger(logger).exception("call_crashed", call="CA1")
        else:
            logging.getLogger(logger).exception("task failed")
    return stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("logger", ["runtime.session", "asyncio"])
def test_a_crash_tells_where_it_was_and_nothing_of_what_was_said(form: LogFormat, logger: str) -> None:
    text = logged(form, logger=logger)
    assert NUMBER not in text
    for told in ("ValueError", "KeyError", "ExceptionGroup", "in crash", "test_logs.py"):
        assert told in text
    assert form == "text" or json.loads(text)["level"] == "error"


@pytest.mark.parametrize("form", ["text", "json"])
def test_debug_lines_tell_an_error_in_its_own_words(form: LogFormat) -> None:
    assert f"ValueError: {NUMBER}" in logged(form, "debug")


def test_errors_that_name_each_other_as_their_cause_are_told_once() -> None:
    one, other = ValueError("a"), KeyError("b")
    one.__cause__, other.__cause__ = other, one
    assert where_it_broke((ValueError, one, None)).count("ValueError") == 1


def test_every_line_of_a_worker_has_its_number() -> None:
    stream = io.StringIO()
    configure("info", "json", stream, worker=1)
    get_logger("runtime.session").info("call_begun")
    logging.getLogger("asyncio").warning("slow")
    assert [json.loads(line)["worker"] for line in stream.getvalue().splitlines()] == [1, 1]
