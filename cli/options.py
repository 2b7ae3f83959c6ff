"""Options that several commands share, so that they are named and explained the same everywhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

agents_dir_option = click.option(
    "--agents-dir",
    envvar="TM_AGENTS_DIR",
    show_envvar=True,
    default="agents.d",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder with the declarations.",
)


def _environ(ctx: click.Context, param: click.Parameter, name: str | None) -> Mapping[str, str]:
    """Return the environment variables, with the chosen overlay among them as everything below expects it."""
    return os.environ if name is None else {**os.environ, "TM_ENV": name}


environ_option = click.option(
    "--env",
    "environ",
    metavar="NAME",
    callback=_environ,
    help="Lay agents.d/env/NAME.yaml over the declarations.  [env var: TM_ENV]",
)
"""Gives the command `environ`, the environment variables that it is to work with."""
