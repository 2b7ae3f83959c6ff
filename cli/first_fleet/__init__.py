"""The files that `tm init` writes, and where each of them goes.

They lie beside this module under plain names; in a repository some of them are hidden files.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import PurePosixPath

from schemas.json_schema import combined_schema

_PLACES = {
    "service.yaml": "agents.d/service.yaml",
    "front-desk.yaml": "agents.d/front-desk.yaml",
    "team.yaml": "agents.d/team.yaml",
    "github/tm.yml": ".github/workflows/tm.yml",
    "github/tm-drift.yml": ".github/workflows/tm-drift.yml",
    "github/action.yml": ".github/tm/action.yml",
    "github/plan.sh": ".github/tm/plan.sh",
    "github/comment.sh": ".github/tm/comment.sh",
    "github/apply.sh": ".github/tm/apply.sh",
    "github/drift.sh": ".github/tm/drift.sh",
    "vscode-settings.json": ".vscode/settings.json",
    "gitignore": ".gitignore",
}
# Beside the declarations, so that every editor finds it, installed tm or not. tm reads no hidden folders.
_SCHEMA_PLACE = "agents.d/.schema/agents.d.json"


def first_fleet() -> dict[PurePosixPath, str]:
    """Return the text of each file by its path in the repository."""
    folder = files(__name__)
    texts = {place: (folder / name).read_text(encoding="utf-8") for name, place in _PLACES.items()}
    texts[_SCHEMA_PLACE] = combined_schema()
    return {PurePosixPath(place): text for place, text in texts.items()}
