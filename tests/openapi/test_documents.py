"""The sandbox's account has every path of the documents: none is checked for nothing."""

from __future__ import annotations

import re

import pytest

from sandbox.account import resources
from tests.openapi.documents import DOCUMENTS, operations

PATHS = sorted({(product, one.template) for product in DOCUMENTS for one in operations(product)})


@pytest.mark.parametrize(("product", "template"), PATHS)
def test_every_path_of_the_documents_is_one_of_the_account(product: str, template: str) -> None:
    assert resources.target(product, re.sub(r"\{\w+\}", "X1", template)) is not None
