"""What deleting everything that is dropped does to the outputs: the proof that needs no look inside.

hidden = 1      nothing of any attention or feed-forward layer is left, so a position cannot know another token
classifier = 1  nothing of the input is left, so every row and position has the same logits
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable

import torch
from torch import Tensor
from transformers import PreTrainedModel

from benchmarks.dropout_coverage.small_models import IMAGES, Pair
from regtune.errors import ConfigError
from regtune.models.dropout import place_dropout

Probe = dict[str, Tensor]
CHANGED, SEEN = 3, 8  # positions of a text: the token that changes, the output that must not know
DECODER_SEEN = 4
TOLERANCE = 1e-6
# Numbered, but before, after or between the layers: Gemma 3n's AltUp mixes parallel residual streams.
NO_LAYER = re.compile(r"embed|^(lm_heads|classifier)\.|cls_token|altup")


def forward(model: PreTrainedModel, probe: Probe, *, seed: int = 0, **options: bool) -> object:
    torch.manual_seed(seed)
    with torch.no_grad():
        return model(**probe, **options)


def logits(model: PreTrainedModel, probe: Probe, *, seed: int = 0) -> Tensor:
    result: Tensor = forward(model, probe, seed=seed).logits  # type: ignore[attr-defined]
    return result


def branches_deleted(pair: Pair, plain: PreTrainedModel, probe: Probe) -> str:
    """passed | a reason why it cannot be tried | "failed: …". plain: the model without regtune's dropout."""
    other = _with_another_token(probe) if pair.auto_class != IMAGES else _with_another_corner(probe)
    look = _outlook(pair, plain, probe)
    if isinstance(look, str):
        return look
    if _equal(look(plain, probe), look(plain, other)):
        return "not applicable: the plain model does not react to the other token"
    model = copy.deepcopy(plain)
    try:
        place_dropout(model, probe, hidden=1.0, classifier=0.0, attention=0.0, embedding=0.0)
    except ConfigError as error:
        return f"not applicable: {error}"
    model.train()
    first, second = look(model, probe), look(model, other)
    if not bool(torch.isfinite(first).all()):
        return "not applicable: nothing finite is left"
    if _equal(first, second):
        return "passed"
    return f"failed: without any branch the output still reacts to another token by {_distance(first, second):.1g}"


def head_deleted(plain: PreTrainedModel, probe: Probe) -> str:
    """passed | "failed: …"."""
    model = copy.deepcopy(plain)
    try:
        place_dropout(model, probe, hidden=0.0, classifier=1.0, attention=0.0, embedding=0.0)
    except ConfigError as error:
        return f"not applicable: {error}"
    rows = logits(model.train(), probe).flatten(end_dim=-2)
    distance = _distance(rows, rows[:1].expand_as(rows))
    return (
        "passed" if distance <= TOLERANCE else f"failed: without what enters the head logits differ by {distance:.1g}"
    )


def weights_left(plain: PreTrainedModel, probe: Probe) -> tuple[str, ...]:
    """Matrices inside numbered layers that still have a gradient when every branch is deleted. Numbers read as `*`.

    A feed-forward layer mixes no tokens: that its output is dropped shows in its weights, which then do nothing.
    """
    model = copy.deepcopy(plain)
    try:
        place_dropout(model, probe, hidden=1.0, classifier=0.0, attention=0.0, embedding=0.0)
    except ConfigError:
        return ()
    torch.manual_seed(0)
    values = model.train()(**probe).logits.float()
    (values * torch.randn_like(values)).nan_to_num(0).sum().backward()
    left = [name for name, parameter in model.named_parameters() if parameter.ndim > 1 and _is_moved(parameter)]
    in_layers = [name for name in left if re.search(r"\.\d+\.", name) and not NO_LAYER.search(name)]
    return tuple(dict.fromkeys(re.sub(r"(?<=\.)\d+(?=\.)", "*", name) for name in in_layers))


def _is_moved(parameter: Tensor) -> bool:
    return parameter.grad is not None and bool(parameter.grad.abs().max() > TOLERANCE)


def _outlook(pair: Pair, plain: PreTrainedModel, probe: Probe) -> Callable[[PreTrainedModel, Probe], Tensor] | str:
    """What to look at: the output at one position of the first row; a reason where there is no such thing."""
    if pair.auto_class in {"AutoModelForTokenClassification", "AutoModelForCausalLM"}:
        return lambda model, inputs: logits(model, inputs)[0, SEEN]
    if pair.auto_class == "AutoModelForSeq2SeqLM":
        seen = DECODER_SEEN if "decoder_input_ids" in probe else SEEN
        return lambda model, inputs: logits(model, inputs)[0, seen]
    states = _hidden_states(plain, probe)
    if not states:
        return "not applicable: no hidden states"
    if pair.auto_class == IMAGES and not all(state.shape == states[0].shape and state.ndim == 3 for state in states):
        return "not applicable: pixels meet outside of branches as well"
    seen = -1 if pair.auto_class == IMAGES else SEEN
    if states[-1].ndim != 3 or states[-1].shape[1] < 4 or (seen == SEEN and states[-1].shape[1] <= SEEN):
        return "not applicable: the last hidden state has no positions"
    return lambda model, inputs: _hidden_states(model, inputs)[-1][0, seen]


def _hidden_states(model: PreTrainedModel, probe: Probe) -> tuple[Tensor, ...]:
    """Of the decoder where there is one, else of all layers; empty: the architecture gives none."""
    try:
        output = forward(model, probe, output_hidden_states=True)
    except TypeError:
        return ()
    return getattr(output, "decoder_hidden_states", None) or getattr(output, "hidden_states", None) or ()


def _with_another_token(probe: Probe) -> Probe:
    changed = dict(probe)
    for name in ("input_ids", "decoder_input_ids"):
        if name in probe:
            position = CHANGED if name == "input_ids" else 1
            ids = probe[name].clone()
            ids[0, position] += 1 if ids[0, position] < 100 else -1
            changed[name] = ids
    return changed


def _with_another_corner(probe: Probe) -> Probe:
    name = next(name for name in ("pixel_values", "input_ids") if name in probe)
    values = probe[name].clone()
    if name == "input_ids":
        values[0, 0] += 1
    elif values.ndim == 4:
        values[0, :, :2, :2] += 1.0
    else:
        values[0, 0] += 1.0
    return {**probe, name: values}


def _distance(first: Tensor, second: Tensor) -> float:
    return float((first - second).abs().nan_to_num(0).max())


def _equal(first: Tensor, second: Tensor) -> bool:
    return _distance(first, second) <= TOLERANCE
