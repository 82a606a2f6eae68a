"""The effect panel: what each regularization setting did to this model, from facts counted on the built model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.panel import Panel

from regtune.regularization.smoothing import soft_target
from regtune.reporting.number_text import count, percent, significant
from regtune.reporting.pairs import Pair, pair_grid, print_lines, print_pairs
from regtune.training.effect import DropoutSite, Effect

PRACTICALLY_OFF = 0.001  # decay that takes less than 0.1 % of a weight over the whole run

_KIND_NAMES = {
    "attention_output": "after attention",
    "feed_forward": "after feed-forward",
    "classifier": "before classifier",
    "embedding": "embedding",
    "attention_probabilities": "attention",
    "inner": "inside blocks",
}


def print_effect(console: Console, effect: Effect) -> None:
    """A panel on a terminal, indented lines elsewhere."""
    pairs = effect_pairs(effect)
    if console.is_terminal:
        console.print(Panel(pair_grid(console, pairs), title="effect", title_align="left", border_style="dim"))
    else:
        print_lines(console, ["", "effect"])
        print_pairs(console, [(f"  {label}", value) for label, value in pairs])


def effect_pairs(effect: Effect) -> list[Pair]:
    """Label and value of each line."""
    return [
        ("trains", _trains_text(effect)),
        *_augmentation_pairs(effect),
        *_dropout_pairs(effect),
        *_drop_path_pairs(effect),
        ("weight decay", _weight_decay_text(effect)),
        ("smoothing", _smoothing_text(effect)),
        ("patience", _patience_text(effect)),
    ]


def _trains_text(effect: Effect) -> str:
    if effect.trained_parameters == effect.all_parameters:
        return f"all {count(effect.all_parameters)} parameters"
    share = percent(effect.trained_parameters / effect.all_parameters)
    numbers = f"{count(effect.trained_parameters)} of {count(effect.all_parameters)} parameters ({share})"
    return f"{numbers}, {effect.finetune}: {effect.trained_part}"


def _augmentation_pairs(effect: Effect) -> list[Pair]:
    """Nothing where it is off: most runs are without."""
    if not effect.augmentation:
        return []
    changed, looked_at = effect.augmented_rows
    strengths = ", ".join(f"{name} {significant(strength)}" for name, strength in effect.augmentation.items())
    return [("augmentation", f"{strengths}: an epoch changes {changed} of {looked_at} training rows looked at")]


def _dropout_pairs(effect: Effect) -> list[Pair]:
    acting = [site for site in effect.dropout_sites if site.probability > 0]
    if not acting:
        text = "off: nothing is dropped"
    else:
        by_probability = sorted({site.probability for site in acting})
        groups = [_group_text(p, [site for site in acting if site.probability == p]) for p in by_probability]
        has_attention = any(site.kind == "attention_probabilities" for site in acting)
        text = " · ".join(groups if has_attention else [*groups, "attention 0"])
    pairs = [("dropout", text)]
    if acting:
        pairs.append(("", f"set through {_origins(acting)}"))
    return pairs + [("", note) for note in effect.dropout_notes]


def _drop_path_pairs(effect: Effect) -> list[Pair]:
    """Nothing where the model keeps its own."""
    if not effect.drop_path:
        return []
    low, high = significant(min(effect.drop_path)), significant(max(effect.drop_path))
    return [("drop path", f"{len(effect.drop_path)} branches are skipped, with probability {low} to {high} by depth")]


def _group_text(probability: float, sites: Iterable[DropoutSite]) -> str:
    counts = Counter(site.kind for site in sites)
    kinds = ", ".join(f"{counts[kind]} {name}" for kind, name in _KIND_NAMES.items() if kind in counts)
    return f"{significant(probability)}: {kinds}"


def _origins(sites: Iterable[DropoutSite]) -> str:
    names = {"module": "the model's own modules", "added": "modules added by regtune"}
    counts = Counter(names.get(site.origin, f"the model's {site.origin}") for site in sites)
    return ", ".join(f"{name} ({number})" for name, number in counts.items())


def _weight_decay_text(effect: Effect) -> str:
    if effect.weight_decay == 0:
        return "off"
    if effect.weight_decay_target == "pretrained":
        target, action = "the pretrained weights", "takes back {} of a weight's change over the run"
    else:
        target, action = "zero", "shrinks weights by {} over the run"
    decayed = f"{effect.decayed_tensors} tensors, {count(effect.decayed_parameters)} parameters decayed"
    spared = f"{effect.undecayed_tensors} tensors, {count(effect.undecayed_parameters)} (biases, norms) not"
    strength = action.format(percent(effect.total_shrink))
    off = ": practically off" if effect.total_shrink < PRACTICALLY_OFF else ""
    return f"{significant(effect.weight_decay)} towards {target}: {decayed}; {spared}; {strength}{off}"


def _smoothing_text(effect: Effect) -> str:
    if effect.smoothing == 0:
        return "off: the true class is 1"
    true, other = soft_target(effect.classes, effect.smoothing)
    count_of_others = effect.classes - 1
    rest = (
        f"{count_of_others} others {significant(other)} each" if count_of_others > 1 else f"other {significant(other)}"
    )
    return f"{significant(effect.smoothing)}: true class {significant(true)}, {rest}"


def _patience_text(effect: Effect) -> str:
    if effect.patience is None:
        return "off: trains to the last epoch"
    if effect.earliest_stop_epoch is None:
        return f"{effect.patience}: can never fire: the run ends first"
    return f"{effect.patience}: can stop at epoch {significant(effect.earliest_stop_epoch)} at the earliest"
