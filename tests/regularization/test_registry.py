import sys
from typing import get_type_hints

import pytest

from regtune.regularization import Techniques

REGULARIZERS = get_type_hints(Techniques)
HEADINGS = ("What it does", "Formula", "Settings and defaults", "Interactions", "Source")


@pytest.mark.parametrize("name", REGULARIZERS)
def test_module_docstring_is_a_method_card(name: str) -> None:
    card = sys.modules[REGULARIZERS[name].__module__].__doc__ or ""

    lines = [line.strip() for line in card.splitlines()]
    assert [heading for heading in HEADINGS if heading not in lines] == []


@pytest.mark.parametrize("name", REGULARIZERS)
def test_the_word_a_user_types_is_the_file(name: str) -> None:
    assert REGULARIZERS[name].__module__ == f"regtune.regularization.{name}"


@pytest.mark.parametrize("name", REGULARIZERS)
def test_the_source_is_a_link(name: str) -> None:
    card = sys.modules[REGULARIZERS[name].__module__].__doc__ or ""

    assert "https://" in card.partition("Source")[2]
