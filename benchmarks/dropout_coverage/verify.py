"""Place dropout in one pair with the product's own function, then judge by behaviour whether it is where it should be.

What must hold, with hidden 0.2, classifier 0.3 and attention 0:

    training      two forwards differ; with every p at 0 they are equal, and equal the untouched model's
    evaluation    two forwards are equal, and bit-equal to the untouched model's
    attention     no dropout on the output of a softmax, none in torch's fused attention
    expectation   the mean of many draws of each dropout is what it dropped
    checkpoint    the same state-dict keys; saved and loaded by the plain auto class the logits are bit-equal
    black box     with hidden 1 no position knows another token, and no matrix of a layer has a gradient (in image
                  models those of downsampling have); with classifier 1 all logits are the same
    decay         every trainable parameter in one group; no norm, bias or gain decayed
"""

from __future__ import annotations

import copy
import re
import tempfile
import time
from dataclasses import dataclass, field

import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel

from benchmarks.dropout_coverage.black_box import Probe, branches_deleted, head_deleted, logits, weights_left
from benchmarks.dropout_coverage.decay import check_decay
from benchmarks.dropout_coverage.observe import STANDARD_ERRORS, observed
from benchmarks.dropout_coverage.small_models import IMAGES, Pair, build, probe
from regtune.errors import ConfigError
from regtune.models.dropout import Placement, place_dropout

ASKED = {"hidden": 0.2, "classifier": 0.3}
ASKED_OF_CONVOLUTIONS = {"hidden": 0.2}  # the one number a user writes: where nothing else can follow it, the head does


@dataclass
class Verdict:
    """status: verified, wrong (placed, but a check failed), refused (a ConfigError), crashed (another error from
    placing), unverifiable (see reason), unbuildable. black_box: passed or why not tried."""

    pair: Pair
    status: str = "verified"
    reason: str = ""
    sites: list[tuple[str, str]] = field(default_factory=list)  # (kind, origin) of each
    failures: list[str] = field(default_factory=list)
    black_box: str = ""
    head_only: bool = False  # a network of convolutions, with dropout before the final layer alone
    weights_left: tuple[str, ...] = ()  # in image models: what downsamples between the layers
    decay: str = ""
    seconds: float = 0.0


def verify(pair: Pair) -> Verdict:
    """Never raises: whatever goes wrong is in the verdict."""
    began = time.perf_counter()
    verdict = Verdict(pair)
    try:
        plain = build(pair)
        inputs = probe(pair, plain)
        with torch.no_grad():
            output = plain(**inputs)
    except Exception as error:  # a table with a reason is the purpose, whatever an architecture raises
        verdict.status, verdict.reason = "unbuildable", _one_line(error)
        return verdict
    try:
        verdict.decay = str(check_decay(plain))
        if not isinstance(getattr(output, "logits", None), Tensor):
            place_dropout(copy.deepcopy(plain), inputs, **ASKED_OF_CONVOLUTIONS)
            verdict.status, verdict.reason = "unverifiable", "its output has no logits, so there is no loss to train on"
        else:
            _verify_placed(verdict, plain, inputs)
            if not torch.equal(logits(plain, inputs, seed=1), logits(plain, inputs, seed=2)):
                verdict.status = "unverifiable"
                verdict.reason = "evaluation is random in the untouched model as well"
    except ConfigError as error:
        verdict.status, verdict.reason = "refused", str(error)
    except Exception as error:
        verdict.status, verdict.reason = "crashed", _one_line(error)
    verdict.seconds = time.perf_counter() - began
    return verdict


def _verify_placed(verdict: Verdict, plain: PreTrainedModel, inputs: Probe) -> None:
    model = copy.deepcopy(plain)
    verdict.head_only = verdict.pair.auto_class == IMAGES and not _has_attention(plain, inputs)
    try:
        placement = place_dropout(model, inputs, **ASKED)
        verdict.head_only = False
    except ConfigError:
        if not verdict.head_only:
            raise
        placement = place_dropout(model, inputs, **ASKED_OF_CONVOLUTIONS)
    verdict.sites = [(site.kind, site.origin) for site in placement.sites]
    checks = [
        *_evaluation(model, plain, inputs),
        *_checkpoint(verdict.pair, model, plain, inputs),
        *_training(model, inputs, placement),  # moves the statistics of BatchNorm
        *_without(plain, inputs),
    ]
    verdict.black_box = branches_deleted(verdict.pair, plain, inputs)
    boxes = [("branches", verdict.black_box), ("head", head_deleted(plain, inputs))]
    checks += [f"{what}: {result}" for what, result in boxes if result.startswith("failed")]
    verdict.weights_left = weights_left(plain, inputs)
    if verdict.weights_left and verdict.pair.auto_class != IMAGES:
        checks.append(f"without any branch there are still gradients in {', '.join(verdict.weights_left)}")
    verdict.failures = checks
    if checks:
        verdict.status, verdict.reason = "wrong", "; ".join(checks)


def _has_attention(model: PreTrainedModel, inputs: Probe) -> bool:
    with observed(model) as observation:
        logits(model, inputs)
    return observation.softmaxes > 0


def _evaluation(model: PreTrainedModel, plain: PreTrainedModel, inputs: Probe) -> list[str]:
    """placed, in eval mode, against the untouched model."""
    reference, first, second = (
        logits(plain, inputs, seed=1),
        logits(model.eval(), inputs, seed=1),
        logits(model, inputs, seed=2),
    )
    if torch.equal(first, reference) and torch.equal(first, second):
        return []
    return ["evaluation differs from the untouched model"]


def _training(model: PreTrainedModel, inputs: Probe, placement: Placement) -> list[str]:
    failures = []
    model.train()
    if torch.equal(logits(model, inputs, seed=1), logits(model, inputs, seed=2)):
        failures.append("two training forwards are equal")
    with observed(model, measure=True) as observation:
        logits(model, inputs)
    calls = observation.calls
    inside = sorted({call.path for call in calls if call.on_probabilities})
    biased = sorted({call.path for call in calls if call.bias > STANDARD_ERRORS})
    listed = {_pattern(site.path) for site in placement.sites if site.probability > 0}
    unlisted = sorted({call.path for call in calls if _pattern(call.path) not in listed})
    failures += [f"attention probabilities dropped in {', '.join(inside)}"] if inside else []
    failures += [f"the mean over draws is not the input in {', '.join(biased)}"] if biased else []
    failures += [f"acts but is not listed: {', '.join(unlisted)}"] if unlisted else []
    model.eval()
    return failures


def _without(plain: PreTrainedModel, inputs: Probe) -> list[str]:
    """All p at 0. What the placement says it leaves alone (inside a feed-forward layer) is taken out here; that it is
    nothing else, the black box shows."""
    model = copy.deepcopy(plain)
    placement = place_dropout(model, inputs, hidden=0.0, classifier=0.0, attention=0.0, embedding=0.0)
    inner = {_pattern(site.path) for site in placement.sites if site.kind == "inner" and site.probability > 0}
    left_alone = frozenset(path for path, _ in model.named_modules() if _pattern(path) in inner)
    reference = copy.deepcopy(plain).train()  # a copy: BatchNorm moves its statistics
    model.train()
    with observed(reference, neutral=None):
        expected = logits(reference, inputs, seed=1)
    with observed(model, neutral=left_alone) as observation:
        first, second = logits(model, inputs, seed=1), logits(model, inputs, seed=2)
    live = sorted({call.path for call in observation.calls} - left_alone)
    if live:
        return [f"with every p at 0 dropout still acts in {', '.join(live)}"]
    if not torch.equal(first, expected):
        return ["with every p at 0 training differs from the untouched model without dropout"]
    return [] if torch.equal(first, second) else ["with every p at 0 two training forwards differ"]


def _checkpoint(pair: Pair, model: PreTrainedModel, plain: PreTrainedModel, inputs: Probe) -> list[str]:
    """Against the untouched model, saved and loaded too: a convolution's last bit depends on how memory is aligned, and
    on loading Marian makes its table of positions anew."""
    failures = []
    if list(model.state_dict()) != list(plain.state_dict()):
        failures.append("state-dict keys changed")
    loaded, reference = _reloaded(pair, model, inputs), _reloaded(pair, plain, inputs)
    if not torch.equal(loaded, reference):
        failures.append("loaded by the plain auto class the logits differ")
    return failures


def _reloaded(pair: Pair, model: PreTrainedModel, inputs: Probe) -> Tensor:
    """Logits after save_pretrained and a plain from_pretrained; by the model's own class where the auto class does not
    know the config that the model saves (the text part of Emu3's)."""
    auto_class = getattr(transformers, pair.auto_class)
    loader = auto_class if type(model.config) in auto_class._model_mapping else type(model)
    with tempfile.TemporaryDirectory() as folder:
        copy.deepcopy(model).save_pretrained(folder)  # a copy: saving writes into the config
        return logits(loader.from_pretrained(folder).eval(), inputs)


def _pattern(path: str) -> str:
    """Equal for all layers and experts: which expert acts is not the same in every forward."""
    return re.sub(r"\d+", "*", path)


def _one_line(error: Exception) -> str:
    """With the place, as these are bugs or limits somewhere."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" ({trace.tb_frame.f_code.co_filename.split('/')[-1]}:{trace.tb_lineno})" if trace else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}{place}"
