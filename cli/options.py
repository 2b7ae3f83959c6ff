"""Options that several commands share, so that they are named and explained the same everywhere."""

from __future__ import annotations

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
