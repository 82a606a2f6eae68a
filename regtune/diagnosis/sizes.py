"""A ladder of encoders to climb or descend when the advice is a smaller or a larger model."""

from __future__ import annotations

from regtune.diagnosis.base import Advice, Facts, train_command

LADDER = (  # what `model:` accepts, parameters without the head; English text
    ("minilm", 22_713_216),
    ("roberta-base", 124_645_632),
    ("roberta-large", 355_359_744),
)
WORTH_IT = 1.5  # times larger or smaller; less is another model, not another size


def smaller_model(facts: Facts) -> Advice:
    """The largest model of the ladder that is clearly smaller than this one."""
    smaller = [(name, size) for name, size in _ladder(facts) if size * WORTH_IT < facts.parameters]
    return _change(facts, "smaller", *smaller[-1]) if smaller else _own_choice(facts, "smaller")


def larger_model(facts: Facts) -> Advice:
    """The smallest model of the ladder that is clearly larger than this one."""
    larger = [(name, size) for name, size in _ladder(facts) if size > facts.parameters * WORTH_IT]
    return _change(facts, "larger", *larger[0]) if larger else _own_choice(facts, "larger")


def _ladder(facts: Facts) -> tuple[tuple[str, int], ...]:
    return LADDER if facts.reads_text else ()


def _change(facts: Facts, direction: str, name: str, size: int) -> Advice:
    sizes = f"{_millions(size)} parameters, this one {_millions(facts.parameters)}"
    return Advice(f"a {direction} model: {name} (English) has {sizes}", train_command(facts, model=name))


def _own_choice(facts: Facts, direction: str) -> Advice:
    return Advice(f"a {direction} pretrained model than this one of {_millions(facts.parameters)} parameters")


def _millions(parameters: int) -> str:
    return f"{parameters / 1e6:.3g} million"
