"""Which config keys a sweep may search, and why the others have no meaning in one."""

from __future__ import annotations

from regtune.config.document import KeyPath
from regtune.config.keys import all_keys, child_keys, explain_unknown
from regtune.config.schema import Config
from regtune.config.wording import choices, show_path

_SAME_ROWS = "is the same for all trials: only on the same rows can they be compared"
_SAME_JUDGE = "decides which evaluation of a run counts as its best: the same for all trials"

REASONS: dict[str, str] = {
    "task": "is what the data ask for, the same for all trials",
    "output": "names a folder; the sweep gives every trial its own",
    "regularization.patience": "is not searched: the report reads off each trial's curve what less patience would have "
    "cost and saved. Set it in the base config",
    "regularization.monitor": f"{_SAME_JUDGE}. See sweep.objective",
    "regularization.min_delta": _SAME_JUDGE,
    "training.evaluations_per_epoch": "says how often a run is looked at, and the best of more looks seems better: "
    "the same for all trials",
    "training.seed": "is no setting to choose: the best seed is luck. For several seeds, set sweep.seeds",
    "training.device": "says where a trial runs, not what it learns",
    "training.report_to": "says where curves are sent, not what is learnt",
    "model.lora.save": "says how a model is written, not what it learns",
}
OF_DATA = {"max_length", "max_target_length"}  # the only keys of data that change no rows


def refusal(path: KeyPath, base: Config | None) -> str | None:
    """Why a key cannot be in a space; None for one that can. base: None where the base config is wrong itself."""
    if path not in all_keys():
        return _unknown(path)
    if path[0] == "data" and path[-1] not in OF_DATA:
        return "is a section" if len(path) == 1 else _SAME_ROWS
    reason = REASONS.get(show_path(path))
    if reason:
        return reason
    if child_keys(path) and "anyOf" not in all_keys()[path]:  # a section and nothing else
        return f"is a section; search its keys, such as {show_path((*path, child_keys(path)[0]))}"
    return None if base is None else _clash_with_form(path, base)


def useless_epochs(base: Config, searched: set[str]) -> str | None:
    """Why searching training.epochs tells nothing; None where a rate that falls until the last epoch depends on it."""
    training = base.training
    depends = training.schedule != "constant" or training.warmup > 0
    if depends or searched & {"training.schedule", "training.warmup"}:
        return None
    return (
        "is not searched with schedule constant and no warmup: a shorter run is the beginning of a longer one, and "
        "every trial's curve is stored. Set the most epochs in the base config"
    )


def _unknown(path: KeyPath) -> str:
    length = next(length for length in range(1, len(path) + 1) if path[:length] not in all_keys())
    if length > 1 and not child_keys(path[: length - 1]):
        return f"{show_path(path[: length - 1])} is a single value without keys of its own"
    return explain_unknown(path[:length])


def _clash_with_form(path: KeyPath, base: Config) -> str | None:
    """dropout and augmentation are one number or a section; a space has to say it the way the base config does."""
    name = path[1] if len(path) > 1 and path[0] == "regularization" else None
    if name not in ("dropout", "augmentation"):
        return None
    value = base.model_dump(exclude_unset=True).get("regularization", {}).get(name)
    whole = show_path(path[:2])
    if len(path) > 2 and not isinstance(value, dict):
        now = base.model_dump()["regularization"][name]
        return f"{whole} is {now} in the base config, not a section; search {whole}, or write it there as a section"
    if len(path) == 2 and isinstance(value, dict):
        written = choices([show_path((*path, key)) for key in value] or ["its keys"])
        return f"is a section in the base config; search {written}"
    return None
