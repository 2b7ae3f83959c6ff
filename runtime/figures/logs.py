"""The runtime's log: one line for each event, with the call it is about.

Lines are events with fields (`call_ended call=CA… reason=caller_hangup`): text for people on a terminal, JSON
for machines elsewhere. What is bound by `about_call` stands on every line of the tasks that serve the call.
Numbers and spoken words are fields of debug lines only, and the words of an error, which may repeat them, are
told where those are; secrets are never given to a log at all.
"""

from __future__ import annotations

import logging
import sys
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from runtime.figures.tracebacks import in_its_words, where_it_broke

LogFormat = Literal["auto", "text", "json"]

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def get_logger(name: str) -> FilteringBoundLogger:
    """Return a logger whose lines go through the standard library's logger of that name."""
    logger: FilteringBoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return logger


def about_call(call_sid: str, agent: str) -> None:
    """Put the call on every line that this task, and those it starts, will log."""
    structlog.contextvars.bind_contextvars(call=call_sid, agent=agent)


def configure(
    level: str, form: LogFormat = "auto", stream: TextIO | None = None, *, worker: int | None = None
) -> None:
    """Send the runtime's lines from `level` up, and other libraries' warnings, to `stream` (stderr).

    `auto` writes text to a terminal and JSON to anything else. A `worker` has its number on every line.
    """
    out = stream or sys.stderr
    as_text = form == "text" or (form == "auto" and out.isatty())
    errors = structlog.processors.ExceptionRenderer(
        in_its_words if level.upper() == "DEBUG" else where_it_broke
    )
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(
            colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback
        )  # the error is text by then
        if as_text
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_numbered(worker),
                errors,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("runtime").setLevel(level.upper())


def _numbered(worker: int | None) -> tuple[Processor, ...]:
    """Return what puts the worker's number on a line; in a process that is no worker, nothing."""
    if worker is None:
        return ()

    def number(_logger: object, _method: str, event: EventDict) -> EventDict:
        event["worker"] = worker
        return event

    return (number,)
