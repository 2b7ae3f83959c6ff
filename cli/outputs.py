"""The one document of a run on stdout, in the form that was asked for; the rest is told by whoever ran it."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Literal

import click

from cli.reconciling import RunFailedError
from cli.terminal import err, out, write_document
from reconciler.applying.report import Report
from reconciler.output.documents import (
    plan_document,
    plan_error_document,
    report_document,
    report_error_document,
    to_json,
)
from reconciler.output.github import error_annotations, plan_annotations, report_annotations
from reconciler.output.markdown import error_markdown, plan_markdown, report_markdown
from reconciler.output.text import plan_text, report_text
from reconciler.planning.plan import Plan

Form = Literal["text", "json", "markdown", "github"]

format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown", "github"]),
    default="text",
    show_default=True,
    help="Form of the document on stdout; github is annotations, and Markdown to GITHUB_STEP_SUMMARY.",
)


def write_plan(plan: Plan, form: Form, *, title: str = "Plan", summary: str | None = None) -> None:
    """Write a plan to stdout; `summary` takes the place of the line that says what there is to do."""
    if form == "json":
        write_document(to_json(plan_document(plan)))
    elif form == "markdown":
        write_document(plan_markdown(plan, title=title, summary=summary))
    elif form == "github":
        write_document(plan_annotations(plan))
        _add_to_step_summary(plan_markdown(plan, title=title, summary=summary))
    else:
        out().print(plan_text(plan, summary), end="")


def write_plan_failure(failure: RunFailedError, form: Form, now: datetime, *, title: str = "Plan") -> None:
    """Tell on stderr why no plan could be made, and write its document to stdout."""
    failure.show()
    write_missing_plan(failure, form, now, title=title)


def write_missing_plan(failure: RunFailedError, form: Form, now: datetime, *, title: str = "Plan") -> None:
    """Write the document of a plan that could not be made to stdout."""
    if form == "json":
        write_document(to_json(plan_error_document(failure.error.message, now, failure.diagnostics)))
    else:
        _write_failure(failure, form, title, "No plan could be made.")


def write_report(report: Report, form: Form, *, title: str = "Apply") -> None:
    """Write a report to stdout."""
    if form == "json":
        write_document(to_json(report_document(report)))
    elif form == "markdown":
        write_document(report_markdown(report, title=title))
    elif form == "github":
        write_document(report_annotations(report))
        _add_to_step_summary(report_markdown(report, title=title))
    else:
        out().print(report_text(report), end="")


def write_report_failure(failure: RunFailedError, form: Form, *, title: str = "Apply") -> None:
    """Tell on stderr why the run could not happen, and write its document to stdout."""
    failure.show()
    write_missing_report(failure, form, title=title)


def write_missing_report(failure: RunFailedError, form: Form, *, title: str = "Apply") -> None:
    """Write the document of a run that could not happen to stdout."""
    if form == "json":
        write_document(to_json(report_error_document(failure.error.message, failure.plan_id)))
    else:
        _write_failure(failure, form, title, "No report: the run ended with an error.")


def _write_failure(failure: RunFailedError, form: Form, title: str, text: str) -> None:
    if form == "markdown":
        write_document(error_markdown(failure.error, failure.diagnostics, title=title))
    elif form == "github":
        write_document(error_annotations(failure.error, failure.diagnostics, title=title))
        _add_to_step_summary(error_markdown(failure.error, failure.diagnostics, title=title))
    else:
        write_document(text)


def _add_to_step_summary(markdown: str) -> None:
    """Append to the file that GitHub shows as the step's summary; outside of a workflow there is none."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    try:
        with Path(file).open("a", encoding="utf-8") as summary:
            summary.write(f"{markdown}\n")
    except OSError as error:
        err().print(f"warning: the step summary {file} cannot be written: {error.strerror}")
