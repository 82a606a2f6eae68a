"""What placed dropout does, looked at from outside: no test here asks the tracer."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from regtune.models.dropout import list_sites, place_dropout

Probe = dict[str, Tensor]


def logits(model: PreTrainedModel, probe: Probe, *, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    with torch.no_grad():
        return model(**probe).logits


@contextmanager
def executed_dropout(model: PreTrainedModel, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[tuple[str, float]]]:
    """(module path, p) of every call with p > 0 of the two functions of torch that drop anything here."""
    executed: set[tuple[str, float]] = set()
    stack: list[str] = []
    dropout, attention = functional.dropout, functional.scaled_dot_product_attention

    def watched_dropout(input, p=0.5, training=True, inplace=False):
        if training and p > 0:
            executed.add((stack[-1], p))
        return dropout(input, p, training, inplace)

    def watched_attention(*arguments, dropout_p=0.0, **keywords):
        if dropout_p > 0:
            executed.add((stack[-1], dropout_p))
        return attention(*arguments, dropout_p=dropout_p, **keywords)

    for path, module in model.named_modules():
        module.register_forward_pre_hook(lambda *_, path=path: stack.append(path), prepend=True)
        module.register_forward_hook(lambda *_: stack.pop() and None)
    with monkeypatch.context() as patch:
        patch.setattr(functional, "dropout", watched_dropout)
        patch.setattr(functional, "scaled_dot_product_attention", watched_attention)
        yield executed


def scramble_layers(model: PreTrainedModel) -> None:
    """New weights for everything inside the layers but their norms."""
    layers = (".layer.", ".layers.", "albert_layers", "encoder.conv", ".h.")
    for name, parameter in model.named_parameters():
        if any(part in name for part in layers) and "norm" not in name.lower() and ".ln_" not in name:
            torch.nn.init.normal_(parameter, std=0.5)


@pytest.mark.parametrize("attention", [0.0, 0.15])
def test_the_sites_listed_are_the_sites_that_act(
    any_model: PreTrainedModel, probe: Probe, monkeypatch: pytest.MonkeyPatch, attention: float
) -> None:
    placement = place_dropout(any_model, probe, hidden=0.2, classifier=0.3, attention=attention)

    with executed_dropout(any_model, monkeypatch) as executed:
        any_model.train()(**probe)
    assert executed == {(site.path, site.probability) for site in placement.sites if site.probability > 0}


def test_the_sites_kept_are_the_sites_that_act(
    encoder: PreTrainedModel, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = list_sites(encoder, probe)

    with executed_dropout(encoder, monkeypatch) as executed:
        encoder.train()(**probe)
    assert executed == {(site.path, site.probability) for site in sites if site.probability > 0}


def test_every_branch_is_covered(any_model: PreTrainedModel, probe: Probe) -> None:
    """Dropping everything after each branch leaves nothing of what the layers compute."""
    embedding = None if any_model.config.model_type == "llama" else 0.0  # it has no embedding dropout
    place_dropout(any_model, probe, hidden=1.0, classifier=0.0, embedding=embedding)
    before = logits(any_model.train(), probe)

    scramble_layers(any_model)

    assert torch.equal(logits(any_model, probe), before)


def test_without_dropout_the_layers_matter(any_model: PreTrainedModel, probe: Probe) -> None:
    """The test above would notice: the same change of weights shows when nothing is dropped."""
    place_dropout(any_model, probe, hidden=0.0)
    before = logits(any_model.train(), probe)

    scramble_layers(any_model)

    assert (logits(any_model, probe) - before).abs().max() > 0.01


def test_the_classifier_is_covered(any_model: PreTrainedModel, probe: Probe) -> None:
    """Dropping everything before the final layer leaves its bias, the same for both rows."""
    place_dropout(any_model, probe, hidden=0.0, classifier=1.0)

    first, second = logits(any_model.train(), probe)

    assert torch.equal(first, second)


def test_training_draws_new_masks_and_evaluation_none(any_model: PreTrainedModel, probe: Probe) -> None:
    place_dropout(any_model, probe, hidden=0.2)

    assert not torch.equal(logits(any_model.train(), probe, seed=0), logits(any_model, probe, seed=1))
    assert torch.equal(logits(any_model.eval(), probe, seed=0), logits(any_model, probe, seed=1))


def test_equal_seeds_draw_equal_masks(any_model: PreTrainedModel, probe: Probe) -> None:
    place_dropout(any_model, probe, hidden=0.2)

    assert torch.equal(logits(any_model.train(), probe), logits(any_model, probe))


def test_evaluation_is_bit_equal_to_the_plain_model(any_model: PreTrainedModel, probe: Probe) -> None:
    plain = logits(any_model, probe)

    place_dropout(any_model, probe, hidden=0.2)

    assert torch.equal(logits(any_model, probe), plain)


def test_zero_in_training_is_bit_equal_to_the_plain_model_in_evaluation(build, encoder_name, probe: Probe) -> None:
    model = build(encoder_name)
    plain = logits(model, probe)
    own_values = {"embedding": 0.0} if encoder_name.startswith("modernbert") else {}

    place_dropout(model, probe, hidden=0.0, **own_values)
    if encoder_name == "modernbert-dropout":  # what is inside the feed-forward layers is the model's own
        for layer in model.model.layers:
            layer.mlp.drop.p = 0.0

    assert torch.equal(logits(model.train(), probe), plain)


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_dropout_in_attention_alone_acts(build, probe: Probe, implementation: str) -> None:
    model = build("bert", attn_implementation=implementation)
    place_dropout(model, probe, hidden=0.0, attention=0.5)

    assert not torch.equal(logits(model.train(), probe, seed=0), logits(model, probe, seed=1))


def test_the_mean_over_many_masks_is_the_plain_value(build, probe: Probe) -> None:
    """Exact for dropout before a linear layer; the other sites are followed by something that is not linear."""
    model = build("bert")
    place_dropout(model, probe, hidden=0.0, classifier=0.3)
    many = {"input_ids": probe["input_ids"][:1].expand(2000, -1)}  # one row, 2000 masks
    plain = logits(model.eval(), many)[0]

    samples = logits(model.train(), many)  # (2000, 3)

    standard_error = samples.std(0) / 2000**0.5
    assert ((samples.mean(0) - plain).abs() < 4 * standard_error).all()


def test_state_dict_keys_do_not_change(any_model: PreTrainedModel, probe: Probe) -> None:
    keys = list(any_model.state_dict())

    place_dropout(any_model, probe, hidden=0.2)

    assert list(any_model.state_dict()) == keys


def test_the_saved_folder_loads_with_transformers_alone(
    any_model: PreTrainedModel, probe: Probe, tmp_path: Path
) -> None:
    place_dropout(any_model, probe, hidden=0.2, classifier=0.3)
    any_model.save_pretrained(tmp_path)

    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path)

    assert list(loaded.state_dict()) == list(any_model.state_dict())
    assert torch.equal(logits(loaded.eval(), probe), logits(any_model.eval(), probe))


def test_a_copy_drops_alike(any_model: PreTrainedModel, probe: Probe) -> None:
    place_dropout(any_model, probe, hidden=0.2)
    copied = copy.deepcopy(any_model)

    assert torch.equal(logits(copied.train(), probe), logits(any_model.train(), probe))


def gradients(model: PreTrainedModel, probe: Probe) -> list[Tensor]:
    torch.manual_seed(0)
    model.zero_grad()
    model(**probe, labels=torch.tensor([0, 2])).loss.backward()
    return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]


def test_every_parameter_that_had_a_gradient_has_one(any_model: PreTrainedModel, probe: Probe) -> None:
    plain = len(gradients(any_model.eval(), probe))

    place_dropout(any_model, probe, hidden=0.2)

    assert len(gradients(any_model.train(), probe)) == plain


# MPNet and ALBERT do not support it.
@pytest.mark.parametrize("name", ["bert", "roberta", "distilbert", "deberta", "electra", "modernbert", "llama", "gpt2"])
def test_checkpointed_activations_give_equal_gradients(build, probe: Probe, name: str) -> None:
    model = build(name)
    place_dropout(model, probe, hidden=0.2)
    plain = gradients(model.train(), probe)
    model.activation_checkpointing_enable()

    for recomputed, kept in zip(gradients(model, probe), plain, strict=True):
        assert torch.equal(recomputed, kept)
