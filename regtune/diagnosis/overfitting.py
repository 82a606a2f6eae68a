"""Overfitting: train loss keeps falling while validation loss fell and then rose, or the gap between them is large.

Procedure, in order, steps already taken left out: dropout to 0.3 · weight decay to 0.1 · data augmentation · a smaller
model · more data. A run with dropout or weight decay off first gets the fine-tuning values of what is off. Each
command keeps the changes of the steps before it.
"""

from __future__ import annotations

from regtune.diagnosis.base import Advice, Facts, Finding, number, train_command
from regtune.diagnosis.curves import gap_noise, large_gap, lowest, still_falling, turned_up
from regtune.diagnosis.sizes import smaller_model
from regtune.wording import cut

MORE_DROPOUT = 0.3
MORE_WEIGHT_DECAY = 0.1
SOME_AUGMENTATION = 0.1
BASIC_DROPOUT = 0.1  # these four: the usual values for fine-tuning
BASIC_WEIGHT_DECAY = 0.01
BASIC_PATIENCE = 3  # evaluations
BASIC_SMOOTHING = 0.1


def find(facts: Facts) -> Finding | None:
    """Overfitting, with its procedure; None when the curves show neither a turn nor a large gap.

    A gap is left alone while validation loss still falls: training on pays more than holding back.
    """
    if turned_up(facts):
        return Finding(name="overfitting", title=_turn_title(facts), evidence=_turn(facts), advice=_procedure(facts))
    if large_gap(facts) and not still_falling(facts):
        title = "overfitting: a large gap between training and validation rows"
        return Finding(name="overfitting", title=title, evidence=_gap(facts), advice=_procedure(facts))
    return None


def _turn_title(facts: Facts) -> str:
    if facts.history.last.stops and not large_gap(facts):
        return "overfitting, stopped in time"
    return "overfitting: validation loss turned up"


def _turn(facts: Facts) -> str:
    bottom, last, kept = lowest(facts), facts.evaluations[-1], facts.kept
    rise = last.validation_loss / bottom.validation_loss - 1
    return (
        f"validation loss was lowest at epoch {number(bottom.epoch)} ({number(bottom.validation_loss)}) and rose "
        f"{rise:.0%} to {number(last.validation_loss)} by epoch {number(last.epoch)}, while train loss fell from "
        f"{number(bottom.train_loss)} to {number(last.train_loss)}; "
        f"the weights of epoch {number(kept.epoch)} were kept, gap {kept.gap:+.4g}"
    )


def _gap(facts: Facts) -> str:
    kept = facts.kept
    noises = kept.gap / gap_noise(facts, kept)
    return (
        f"at the kept weights (epoch {number(kept.epoch)}) train loss is {number(kept.train_loss)} and validation loss "
        f"{number(kept.validation_loss)}: gap {kept.gap:+.4g}, {noises:.1f} times its noise on "
        f"{facts.rows['validation']} validation rows"
    )


def _procedure(facts: Facts) -> tuple[Advice, ...]:
    more_rows = f"{facts.rows['train']} train it now"
    seen = {name: count for name, count in facts.class_counts.items() if count}  # a tag may be known and not seen
    if seen:
        smallest = min(seen, key=lambda name: seen[name])
        more_rows += f", {seen[smallest]} of class {cut(smallest)!r}"
    return (
        *_stronger_settings(facts),
        smaller_model(facts),
        Advice(f"more labelled rows: {more_rows}"),
    )


def _stronger_settings(facts: Facts) -> list[Advice]:
    changes: dict[str, str] = {}
    advice: list[Advice] = []

    def step(text: str, more: dict[str, str]) -> None:
        changes.update(more)
        advice.append(Advice(text, train_command(facts, **changes)))

    dropout, weight_decay = facts.dropout, facts.weight_decay
    if dropout == 0 or weight_decay == 0:
        off = _switched_on(facts)
        step("switch on what is off: " + ", ".join(f"{key.split('.')[1]} {value}" for key, value in off.items()), off)
        dropout = BASIC_DROPOUT if dropout == 0 else dropout
        weight_decay = weight_decay or BASIC_WEIGHT_DECAY
    if dropout is None or dropout < MORE_DROPOUT:
        before = "the model's own" if dropout is None else number(dropout)
        step(f"more dropout: {before} → {MORE_DROPOUT}", {facts.dropout_key: str(MORE_DROPOUT)})
    if weight_decay < MORE_WEIGHT_DECAY:
        text = f"more weight decay: {number(weight_decay)} → {MORE_WEIGHT_DECAY} {_reach(facts)}"
        step(text, {"regularization.weight_decay": str(MORE_WEIGHT_DECAY)})
    if facts.can_augment:
        text = "data augmentation (for pretrained text models it seldom helps: `regtune explain augmentation`)"
        step(text, {"regularization.augmentation": str(SOME_AUGMENTATION)})
    return advice


def _switched_on(facts: Facts) -> dict[str, str]:
    """The techniques that are off, by config key, with their usual value."""
    usual = (
        (facts.dropout == 0, facts.dropout_key, BASIC_DROPOUT),
        (facts.weight_decay == 0, "regularization.weight_decay", BASIC_WEIGHT_DECAY),
        (facts.patience is None, "regularization.patience", BASIC_PATIENCE),
        (facts.smoothing == 0 and facts.can_smooth, "regularization.smoothing", BASIC_SMOOTHING),
    )
    return {key: str(value) for is_off, key, value in usual if is_off}


def _reach(facts: Facts) -> str:
    """How much decay can do at all: at learning rates of fine-tuning, next to nothing."""
    shrink = MORE_WEIGHT_DECAY * facts.learning_rate * facts.steps
    return f"(shrinks weights by at most {min(shrink, 1.0):.2g} of their size over {facts.steps} steps)"
