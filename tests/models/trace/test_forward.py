import copy
import random

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from regtune.models.trace import Trace, trace_forward


def branch_kinds(trace: Trace) -> list[str]:
    return [branch.kind for branch in trace.branches]


def test_every_layer_is_an_attention_and_a_feed_forward_branch(
    any_model: PreTrainedModel, probe: dict[str, Tensor]
) -> None:
    kinds = branch_kinds(trace_forward(any_model, probe))

    has_convolution = getattr(any_model.config, "conv_kernel_size", 0) > 0  # one more branch, beside DeBERTa's layer 0
    layer = ["attention_output", "feed_forward"]
    assert kinds == [*layer, *(["feed_forward"] if has_convolution else []), *layer]


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("bert", "classifier"),
        ("roberta", "classifier.out_proj"),
        ("distilbert", "classifier"),
        ("deberta", "classifier"),
        ("mpnet", "classifier.out_proj"),
        ("electra", "classifier.out_proj"),
        ("albert", "classifier"),
        ("modernbert", "classifier"),
        ("llama", "score"),
        ("gpt2", "score"),
    ],
)
def test_the_head_is_the_final_layer(build, probe, name: str, head: str) -> None:
    trace = trace_forward(build(name), probe)

    assert [traced.module for traced in trace.heads] == [head]


def test_a_branch_without_dropout_names_the_module_that_returns_it(build, probe) -> None:
    branches = trace_forward(build("llama"), probe).branches

    assert [branch.modules[-1] for branch in branches[:2]] == ["model.layers.0.self_attn", "model.layers.0.mlp"]
    assert [branch.probabilities for branch in branches[:2]] == [(), ()]


def test_sites_of_bert(build, probe) -> None:
    model = build("bert", num_hidden_layers=1, classifier_dropout=0.4, attention_probs_dropout_prob=0.2)

    sites = [(site.path, site.kind, site.probability) for site in trace_forward(model, probe).sites]

    assert sites == [
        ("bert.embeddings.dropout", "embedding", 0.1),
        ("bert.encoder.layer.0.attention.self", "attention_probabilities", 0.2),
        ("bert.encoder.layer.0.attention.output.dropout", "attention_output", 0.1),
        ("bert.encoder.layer.0.output.dropout", "feed_forward", 0.1),
        ("dropout", "classifier", 0.4),
    ]


def test_dropout_between_the_matrices_of_a_feed_forward_layer_is_inner(build, probe) -> None:
    trace = trace_forward(build("modernbert-dropout"), probe)

    assert [site.path for site in trace.sites if site.kind == "inner"] == [
        "model.layers.0.mlp.drop",
        "model.layers.1.mlp.drop",
    ]


def test_two_dropouts_in_a_row_are_both_seen(build, probe) -> None:
    model = build("bert")
    dropout = model.bert.encoder.layer[0].output.dropout
    model.bert.encoder.layer[0].output.dropout = torch.nn.Sequential(dropout, torch.nn.Dropout(0.2))

    assert trace_forward(model, probe).branches[1].probabilities == (0.1, 0.2)


def test_eager_and_fused_attention_give_the_same_sites(build, probe) -> None:
    eager, fused = (trace_forward(build("bert", attn_implementation=name), probe) for name in ("eager", "sdpa"))

    assert eager == fused


def test_labels_in_the_probe_are_left_out(build, probe) -> None:
    model = build("bert")

    assert trace_forward(model, {**probe, "labels": torch.tensor([7, 7])}) == trace_forward(model, probe)


@pytest.mark.parametrize("name", ["bert", "distilbert", "deberta", "electra", "modernbert", "llama", "gpt2"])
def test_checkpointed_activations_are_traced_alike(build, probe, name: str) -> None:
    model = build(name)
    plain = trace_forward(model, probe)
    model.activation_checkpointing_enable()

    assert trace_forward(model, probe) == plain


def test_the_probe_uses_up_no_random_numbers(encoder: PreTrainedModel, probe) -> None:
    before = torch.get_rng_state(), random.getstate()
    trace_forward(encoder, probe)

    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]


def test_the_probe_restores_flags_gradients_and_hooks(encoder: PreTrainedModel, probe) -> None:
    encoder.get_submodule("classifier").train()
    modes = [module.training for module in encoder.modules()]
    trace_forward(encoder, probe)

    assert [module.training for module in encoder.modules()] == modes
    assert all(parameter.grad is None for parameter in encoder.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in encoder.modules())


def test_the_probe_restores_buffers(build, probe) -> None:
    model = build("bert")
    model.bert.embeddings.LayerNorm = torch.nn.Sequential(
        torch.nn.Flatten(0, 1), torch.nn.BatchNorm1d(32), torch.nn.Unflatten(0, (2, 9))
    )
    before = copy.deepcopy(model.state_dict())
    trace_forward(model, probe)

    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_failing_forward_restores_the_model(build, probe) -> None:
    model = build("bert")

    with pytest.raises(IndexError):
        trace_forward(model, {"input_ids": torch.tensor([[999]])})
    assert not model.training
    assert not any(module._forward_hooks for module in model.modules())
