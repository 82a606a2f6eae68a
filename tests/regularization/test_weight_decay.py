import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from regtune.regularization.weight_decay import WeightDecay, count_decayed, decays, parameter_groups, total_shrink

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 64}
ENCODERS = {
    "bert": SMALL,
    "roberta": SMALL,
    "distilbert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "vocab_size": 64},
    "deberta-v2": {**SMALL, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "norm_rel_ebd": "layer_norm"},
    "mpnet": SMALL,
    "electra": {**SMALL, "embedding_size": 8},
    "albert": {**SMALL, "embedding_size": 8},
    "modernbert": {**SMALL, "pad_token_id": 0, "norm_bias": True, "mlp_bias": True, "attention_bias": True},
}


@pytest.fixture(scope="module", params=ENCODERS)
def encoder(request: pytest.FixtureRequest) -> PreTrainedModel:
    config = AutoConfig.for_model(request.param, **ENCODERS[request.param])
    return AutoModelForSequenceClassification.from_config(config)


def one_weight(value: float) -> nn.Linear:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, value)
    return layer


def step(optimizer: torch.optim.Optimizer, layer: nn.Linear, *, gradient: float) -> float:
    layer.weight.grad = torch.full_like(layer.weight, gradient)
    optimizer.step()
    return layer.weight.item()


def test_adamw_decays_beside_the_gradient_step() -> None:
    layer = one_weight(1.0)
    optimizer = torch.optim.AdamW(parameter_groups(layer, strength=0.1), lr=0.1)

    weight = step(optimizer, layer, gradient=0.5)

    # decay: 1 − 0.1·0.1·1 = 0.99. First step: m̂ = 0.5, √v̂ = 0.5, so 0.99 − 0.1·0.5/0.5 = 0.89.
    assert weight == pytest.approx(0.89, abs=1e-6)


def test_adam_with_the_penalty_in_the_loss_gives_something_else() -> None:
    layer = one_weight(1.0)
    optimizer = torch.optim.Adam([{"params": [layer.weight], "weight_decay": 0.1}], lr=0.1)

    weight = step(optimizer, layer, gradient=0.5)

    # gradient: 0.5 + 0.1·1 = 0.6, m̂ = 0.6, √v̂ = 0.6, so 1 − 0.1·0.6/0.6 = 0.9: the decay is divided away.
    assert weight == pytest.approx(0.9, abs=1e-6)


def test_no_bias_or_norm_weight_decays(encoder: PreTrainedModel) -> None:
    names = {id(parameter): name for name, parameter in encoder.named_parameters()}

    decayed = [names[id(parameter)].lower() for parameter in parameter_groups(encoder, strength=0.1)[0]["params"]]

    assert [name for name in decayed if name.endswith("bias") or "norm" in name] == []


def test_every_trainable_parameter_is_in_one_group_once(encoder: PreTrainedModel) -> None:
    grouped = [id(parameter) for group in parameter_groups(encoder, strength=0.1) for parameter in group["params"]]

    assert sorted(grouped) == sorted(id(parameter) for parameter in encoder.parameters())


def test_matrices_and_embedding_tables_decay(encoder: PreTrainedModel) -> None:
    matrices = sum(parameter.ndim > 1 for parameter in encoder.parameters())

    assert count_decayed(encoder).decayed_tensors == matrices > 10
    assert any(parameter is encoder.get_input_embeddings().weight for parameter in _decayed(encoder))


def _decayed(model: nn.Module) -> list[nn.Parameter]:
    parameters: list[nn.Parameter] = parameter_groups(model, strength=0.1)[0]["params"]
    return parameters


class TinyRMSNorm(nn.Module):
    """Stands for the norms that each architecture brings along."""


@pytest.mark.parametrize(
    ("name", "shape", "owner", "expected"),
    [
        ("weight", (4, 4), nn.Linear(4, 4), True),
        ("bias", (4,), nn.Linear(4, 4), False),
        ("weight", (9, 4), nn.Embedding(9, 4), True),
        ("relative_attention_bias.weight", (32, 4), nn.Embedding(32, 4), True),
        ("weight", (4,), nn.LayerNorm(4), False),
        ("weight", (4, 4), nn.LayerNorm((4, 4)), False),
        ("weight", (4,), nn.BatchNorm1d(4), False),
        ("weight", (4, 4), TinyRMSNorm(), False),
        ("r_w_bias", (2, 8), nn.Module(), False),
        ("layer_scale", (4,), nn.Module(), False),
        ("layer_scale", (4, 1, 1), nn.Module(), False),
        ("logit_scale", (), nn.Module(), False),
        ("weight", (1, 4), nn.Linear(4, 1), True),
        ("position_embeddings", (1, 9, 4), nn.Module(), True),
    ],
)
def test_who_decays(name: str, shape: tuple[int, ...], owner: nn.Module, expected: bool) -> None:
    assert decays(name, nn.Parameter(torch.zeros(shape)), owner) is expected


def test_tied_weights_are_grouped_once_and_frozen_ones_not_at_all() -> None:
    model = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    model[2].weight.requires_grad_(False)

    assert [id(parameter) for parameter in _decayed(model)] == [id(model[0].weight)]


def test_counts_tensors_and_numbers() -> None:
    counts = count_decayed(nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2)))

    # decayed: 3·2 weights. Not: 2 biases, 2 norm weights, 2 norm biases.
    assert (counts.decayed_tensors, counts.decayed_parameters) == (1, 6)
    assert (counts.undecayed_tensors, counts.undecayed_parameters) == (3, 6)


@pytest.mark.parametrize(
    ("learning_rates", "strength", "shrink"),
    [
        ([2e-5] * 500, 0.01, 1e-4),  # 500 · 2e-5 · 0.01
        ([0.1, 0.5], 1.0, 0.55),  # 1 − 0.9 · 0.5
        ([0.1, 0.5], 0.0, 0.0),
        ([], 0.1, 0.0),
    ],
)
def test_total_shrink(learning_rates: list[float], strength: float, shrink: float) -> None:
    assert total_shrink(learning_rates, strength=strength) == pytest.approx(shrink, rel=1e-4)


def test_total_shrink_is_what_steps_without_gradient_do() -> None:
    layer = one_weight(1.0)
    optimizer = torch.optim.AdamW(parameter_groups(layer, strength=0.2), lr=0.5)

    weight = [step(optimizer, layer, gradient=0.0) for _ in range(3)][-1]

    assert 1 - weight == pytest.approx(total_shrink([0.5] * 3, strength=0.2))


def test_strength_zero_is_bit_equal_to_plain_adamw() -> None:
    ours, plain = one_weight(0.3), one_weight(0.3)
    with_groups = torch.optim.AdamW(parameter_groups(ours, strength=0.0), lr=0.01)
    without = torch.optim.AdamW(plain.parameters(), lr=0.01, weight_decay=0.0)

    assert [step(with_groups, ours, gradient=g) for g in (0.5, -2.0)] == [
        step(without, plain, gradient=g) for g in (0.5, -2.0)
    ]


def pretrained_model() -> PreTrainedModel:
    torch.manual_seed(0)
    return AutoModelForSequenceClassification.from_config(AutoConfig.for_model("bert", **SMALL))


def test_pretrained_target_pulls_back_to_the_start() -> None:
    model = pretrained_model()
    weight = model.bert.encoder.layer[0].output.dense.weight
    technique = WeightDecay(0.5, target="pretrained")
    nn.init.constant_(weight, 1.0)
    technique.adjust_model(model, {})
    nn.init.constant_(weight, 3.0)

    technique.after_step(0.2)

    # 3 − 0.2·0.5·(3 − 1) = 2.8
    torch.testing.assert_close(weight.detach(), torch.full_like(weight, 2.8))


def test_pretrained_target_decays_the_new_head_towards_zero() -> None:
    model = pretrained_model()
    nn.init.constant_(model.classifier.weight, 3.0)
    technique = WeightDecay(0.5, target="pretrained", new_parameters=("classifier.weight", "classifier.bias"))
    technique.adjust_model(model, {})

    technique.after_step(0.2)

    # 3 − 0.2·0.5·3 = 2.7
    torch.testing.assert_close(model.classifier.weight.detach(), torch.full_like(model.classifier.weight, 2.7))


def test_pretrained_target_leaves_biases_where_training_put_them() -> None:
    model = pretrained_model()
    bias = model.bert.encoder.layer[0].output.dense.bias
    technique = WeightDecay(0.5, target="pretrained")
    technique.adjust_model(model, {})
    nn.init.constant_(bias, 3.0)

    technique.after_step(0.2)

    assert torch.equal(bias, torch.full_like(bias, 3.0))


@pytest.mark.parametrize(("strength", "target"), [(0.0, "pretrained"), (0.5, "zero")])
def test_after_step_leaves_every_bit_alone(strength: float, target: str) -> None:
    """Strength zero is a no-op, and towards zero it is AdamW that decays."""
    model = pretrained_model()
    technique = WeightDecay(strength, target=target)
    technique.adjust_model(model, {})
    nn.init.normal_(model.classifier.weight)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    technique.after_step(0.2)

    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(("target", "expected"), [("zero", [0.5, 0.0]), ("pretrained", [0.0, 0.0])])
def test_adamw_decays_only_towards_zero(target: str, expected: list[float]) -> None:
    groups = WeightDecay(0.5, target=target).parameter_groups(pretrained_model())

    assert [group["weight_decay"] for group in groups] == expected
