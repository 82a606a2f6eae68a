"""Keys and values of a search space as people read them: `weight_decay 0.01` for `regularization.weight_decay`."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from regtune.config.document import Plain
from regtune.search.study.job import Repetition
from regtune.wording import cut

SECTIONS = ("regularization.", "training.", "data.")  # whose keys are understood without their section
VALUE_SHOWN = 16  # characters of a choice, e.g. a model's name


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """{dotted key: name}; the section is left out where that leaves no two names equal."""
    names = {key: next((key[len(s) :] for s in SECTIONS if key.startswith(s)), key) for key in keys}
    uses = Counter(names.values())
    return {key: name if uses[name] == 1 else key for key, name in names.items()}


def value_text(value: Plain) -> str:
    """A number with three significant digits (3e-5, 0.01, 1024), null as "off", true and false as in YAML."""
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return re.sub(r"e([+-])0+", r"e\1", f"{value:.3g}")
    return cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), length=VALUE_SHOWN)


def values_of(changes: Mapping[str, Plain], own_values: Mapping[str, Plain]) -> dict[str, Plain]:
    """A candidate's value of every key of the space: its own where it changes one, else the base config's."""
    return {**own_values, **changes}


def changes_text(changes: Mapping[str, Plain], own_values: Mapping[str, Plain]) -> str:
    """ "dropout 0.3 · weight_decay 0.1": every key of the space in its order."""
    values = values_of(changes, own_values)
    names = short_names(values)
    return " · ".join(f"{names[key]} {value_text(value)}" for key, value in values.items())


def candidate_name(candidate: str) -> str:
    """ "trial 7"; "own", "off" and the arms of an ablation speak for themselves."""
    return f"trial {candidate}" if candidate.isdecimal() else candidate


def repeated_by(repetitions: Sequence[Repetition]) -> str:
    """What the repetitions of a study differ in, in a word: "fold", or "seed" where the split is the config's own."""
    return "seed" if repetitions and repetitions[0].folds == 1 else "fold"


def repeat_number(repetition: Repetition) -> int:
    """Its fold, 1-based, or its seed where there is one fold."""
    return repetition.seed if repetition.folds == 1 else repetition.fold


def folds_text(repetitions: Iterable[Repetition]) -> str:
    """ "1", "1-3", "1,3", "1-5 ×2" (each with two seeds); "-" for none. Of seeds where there is one fold."""
    counted = Counter(repeat_number(repetition) for repetition in repetitions)
    if not counted:
        return "-"
    ranges: list[list[int]] = []
    for fold in sorted(counted):
        if ranges and ranges[-1][-1] == fold - 1:
            ranges[-1].append(fold)
        else:
            ranges.append([fold])
    text = ",".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in ranges)
    seeds = max(counted.values())
    return text if seeds == 1 else f"{text} ×{seeds}"
