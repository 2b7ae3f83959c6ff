from __future__ import annotations

from pathlib import Path

import pytest

from tests.schemas.fleets import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "agents.d"
    path.mkdir()
    return Folder(path)
