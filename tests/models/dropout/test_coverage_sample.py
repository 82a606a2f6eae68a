"""A sample of `make coverage`: varied architectures, each placed and judged by what it then does."""

import copy

import pytest
import torch
from torch import nn

from benchmarks.dropout_coverage import black_box, small_models
from benchmarks.dropout_coverage.decay import check_decay, is_norm
from benchmarks.dropout_coverage.observe import STANDARD_ERRORS, observed
from benchmarks.dropout_coverage.small_models import Pair, build, pairs, probe
from benchmarks.dropout_coverage.verify import verify

SEQUENCE, TOKEN, CAUSAL, SEQ2SEQ, IMAGE = (
    f"AutoModelFor{task}"
    for task in ("SequenceClassification", "TokenClassification", "CausalLM", "Seq2SeqLM", "ImageClassification")
)
WITH_BLACK_BOX = [
    ("bert", TOKEN),
    ("deberta-v2", SEQUENCE),
    ("albert", SEQUENCE),
    ("modernbert", TOKEN),
    ("llama", CAUSAL),
    ("gpt2", TOKEN),
    ("mixtral", CAUSAL),
    ("t5", SEQ2SEQ),
    ("bart", SEQ2SEQ),
    ("vit", IMAGE),
    ("dinov2", IMAGE),
]


@pytest.mark.parametrize(("model_type", "auto_class"), WITH_BLACK_BOX)
@pytest.mark.filterwarnings("ignore")  # what an architecture warns of is not the subject
def test_placed_dropout_behaves(model_type: str, auto_class: str) -> None:
    verdict = verify(Pair(model_type, auto_class))

    assert (verdict.status, verdict.reason, verdict.black_box, verdict.decay) == ("verified", "", "passed", "")


def test_a_convolutional_network_is_verified_before_its_head() -> None:
    verdict = verify(Pair("convnext", IMAGE))

    assert (verdict.status, verdict.head_only) == ("verified", True)
    assert verdict.black_box.startswith("not applicable")


def test_all_pairs_of_the_auto_classes_are_listed() -> None:
    assert (
        len(pairs()) == len(set(pairs())) == sum(len(mapping) for mapping in small_models.AUTO_CLASSES.values()) > 450
    )


def test_the_black_box_notices_a_branch_without_dropout(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair("bert", TOKEN)
    model = build(pair)

    def all_but_one(model: nn.Module, *arguments: object, **options: object) -> None:
        for path, module in model.named_modules():
            if isinstance(module, nn.Dropout):
                module.p = 1.0 if "output" in path and "layer.1.attention" not in path else 0.0

    monkeypatch.setattr(black_box, "place_dropout", all_but_one)

    assert black_box.branches_deleted(pair, model, probe(pair, model)).startswith("failed: without any branch")


class Attention(nn.Module):
    def __init__(self, *, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        probabilities = torch.softmax(scores, dim=-1).reshape(-1)
        return nn.functional.dropout(probabilities, p=0.5, training=True) * self.scale


def test_dropout_on_attention_probabilities_is_seen() -> None:
    with observed(model := Attention(scale=1.0)) as observation:
        model(torch.randn(2, 8))

    assert [(call.on_probabilities, call.probability) for call in observation.calls] == [(True, 0.5)]


def test_the_mean_of_draws_is_measured() -> None:
    with observed(model := Attention(scale=1.0), measure=True) as observation:
        model(torch.randn(2, 8))

    assert 0 < observation.calls[0].bias < STANDARD_ERRORS


def test_a_norm_is_known_by_what_it_does() -> None:
    class Sneaky(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1, 8))

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values / values.norm(dim=-1, keepdim=True) * self.weight

    model = nn.Sequential(Sneaky(), nn.Linear(8, 8))

    assert (is_norm(model, "0.weight"), is_norm(model, "1.weight")) == (True, False)
    assert check_decay(copy.deepcopy(model)).decayed_norms == ("0.weight",)
