"""The method cards: what `regtune explain` shows. A card is the docstring of the technique's module, nowhere else."""

from __future__ import annotations

import difflib
import sys
from typing import get_type_hints

from regtune.errors import ConfigError
from regtune.regularization import Techniques
from regtune.wording import printable


def method_cards() -> dict[str, str]:
    """Card by technique, in the order in which they act."""
    modules = {name: sys.modules[technique.__module__] for name, technique in get_type_hints(Techniques).items()}
    return {name: str(module.__doc__).rstrip() for name, module in modules.items()}


def method_card(name: str) -> str:
    """One technique's card. Raises ConfigError for another name, with the one that was probably meant."""
    cards = method_cards()
    if name not in cards:
        raise ConfigError(
            f"explain: no technique is called {printable(name[:60])}{_suggestion(name, list(cards))}",
            hint=f"known are {', '.join(cards)}; `regtune explain` says what each one is",
        )
    return cards[name]


def _suggestion(name: str, known: list[str]) -> str:
    """What a misspelt name, or the one that other tools use, was meant to be: ", did you mean smoothing?"."""
    from regtune.config.keys import OTHER_NAMES  # only now: the schema behind it takes a moment to load

    plain = name[:60].lower().replace("-", "_").replace(" ", "_")
    others = {other: key[-1] for other, key in OTHER_NAMES.items() if key[-1] in known}
    near = difflib.get_close_matches(plain, [*known, *others], n=1)
    return f", did you mean {others.get(near[0], near[0])}?" if near else ""
