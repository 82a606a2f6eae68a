"""LoRA: starts as the pretrained model, trains little, and ends as a plain model or an adapter."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from regtune.errors import ConfigError, EnvironmentFault
from regtune.models.dropout import place_dropout
from regtune.models.finetune import Lora, add_lora, load_adapter, lora
from regtune.regularization.weight_decay import count_decayed

pytest.importorskip("peft")
ALL = ["bert", "roberta", "llama", "t5", "bert-tokens", "vit", "llama-lm", "t5-lm"]


@pytest.fixture
def adapt(make_rows, collate):
    """adapt("bert", model): LoRA of rank 2 in that model."""

    def make(name: str, model: PreTrainedModel, **options: Any) -> Lora:
        settings = {"rank": 2, "alpha": 4, "dropout": 0.0, "new_parameters": (), "seed": 0, **options}
        return add_lora(model, probe=inputs(name, make_rows, collate), **settings)

    return make


def inputs(name: str, make_rows, collate) -> dict[str, torch.Tensor]:
    batch = collate(make_rows(name)[:4])
    del batch["labels"]
    return batch


def disturb(model: nn.Module) -> None:
    """As if trained: everything that trains gets other values."""
    torch.manual_seed(1)
    for parameter in model.parameters():
        if parameter.requires_grad:
            nn.init.normal_(parameter, std=0.1)


@pytest.mark.parametrize("name", ALL)
def test_it_starts_as_the_pretrained_model(make_model, make_rows, collate, adapt, name: str) -> None:
    model, batch = make_model(name), inputs(name, make_rows, collate)
    expected = model(**batch).logits

    adapt(name, model)

    torch.testing.assert_close(model(**batch).logits, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_merged_it_is_a_plain_model_with_the_same_answers(make_model, make_rows, collate, adapt, name: str) -> None:
    model, batch = make_model(name), inputs(name, make_rows, collate)
    wrapped = adapt(name, model)
    disturb(model)
    expected = model(**batch).logits

    merged = wrapped.merge()

    assert merged.state_dict().keys() == make_model(name).state_dict().keys()
    assert (expected - make_model(name)(**batch).logits).abs().max() > 0.01
    torch.testing.assert_close(merged(**batch).logits, expected, rtol=1e-4, atol=1e-5)


def test_a_merged_model_loads_with_transformers_alone(make_model, make_rows, collate, adapt, tmp_path: Path) -> None:
    model, batch = make_model("bert"), inputs("bert", make_rows, collate)
    wrapped = adapt("bert", model)
    disturb(model)
    merged = wrapped.merge()
    merged.save_pretrained(tmp_path)

    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path)

    assert not (tmp_path / "adapter_config.json").exists()
    assert torch.equal(loaded.eval()(**batch).logits, merged(**batch).logits)


@pytest.mark.parametrize("name", ALL)
def test_a_saved_adapter_gives_the_model_back(make_model, make_rows, collate, adapt, tmp_path: Path, name: str) -> None:
    model, batch = make_model(name), inputs(name, make_rows, collate)
    wrapped = adapt(name, model)
    disturb(model)
    wrapped.save_adapter(tmp_path, base="some/model")

    loaded = load_adapter(make_model(name), tmp_path)

    torch.testing.assert_close(loaded(**batch).logits, model(**batch).logits, rtol=1e-4, atol=1e-5)


def test_an_adapter_loads_with_transformers_alone(make_model, make_rows, collate, adapt, tmp_path: Path) -> None:
    """Where its base is a folder or a hub id, and the number of labels is given."""
    model, batch = make_model("bert"), inputs("bert", make_rows, collate)
    model.save_pretrained(tmp_path / "base")
    wrapped = adapt("bert", model)
    disturb(model)
    wrapped.save_adapter(tmp_path / "adapter", base=str(tmp_path / "base"))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft's and transformers' own, about each other
        loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path / "adapter", num_labels=3).eval()

    torch.testing.assert_close(loaded(**batch).logits, model(**batch).logits, rtol=1e-4, atol=1e-5)


def test_counts_are_of_the_updates_and_the_head(make_model, adapt) -> None:
    """Rank 2. Per block of BERT: 4 × 2·(16 + 16) + 2 × 2·(16 + 24); the pooler 2·(16 + 16); the head 16 × 3 + 3."""
    plain = sum(parameter.numel() for parameter in make_model("bert").parameters())
    trained = adapt("bert", make_model("bert")).trained

    updates = 3 * (4 * 2 * 32 + 2 * 2 * 40) + 2 * 32
    assert trained.trainable_parameters == updates + 51
    assert trained.all_parameters == plain + updates
    assert (trained.modules, trained.updated_layers) == (("classifier",), 3 * 6 + 1)


def test_the_vocabulary_gets_no_update(make_model, adapt) -> None:
    model = make_model("llama-lm", tie_word_embeddings=True)

    adapt("llama-lm", model)

    assert type(model.lm_head) is nn.Linear
    assert not model.lm_head.weight.requires_grad


def test_convolutions_are_updated_where_there_is_no_linear_layer(collate) -> None:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8], depths=[1], num_labels=3, layer_type="basic")
    model = ResNetForImageClassification(config).eval()
    probe = {"pixel_values": torch.randn(2, 3, 16, 16)}
    wrapped = add_lora(model, rank=2, alpha=4, dropout=0.0, new_parameters=(), probe=probe, seed=0)
    disturb(model)
    expected = model(**probe).logits

    torch.testing.assert_close(wrapped.merge()(**probe).logits, expected, rtol=1e-4, atol=1e-5)


def test_equal_seeds_draw_equal_updates_and_leave_the_random_state(make_model, adapt) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, second, other = (make_model("bert") for _ in range(3))
    torch.set_rng_state(before)

    for model, seed in ((first, 1), (second, 1), (other, 2)):
        adapt("bert", model, seed=seed)

    name = "bert.encoder.layer.0.output.dense.lora_A.default.weight"
    weights = [model.state_dict()[name] for model in (first, second, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["bert", "roberta", "llama", "vit"])
def test_dropout_reaches_the_places_it_reaches_without_lora(make_model, make_rows, collate, adapt, name: str) -> None:
    probe = inputs(name, make_rows, collate)
    plain = place_dropout(make_model(name), probe, hidden=0.1).sites
    model = make_model(name)
    adapt(name, model, dropout=0.05)

    placed = place_dropout(model, probe, hidden=0.1).sites

    def acting(sites):
        return sorted((site.kind, site.probability) for site in sites if site.probability > 0)

    layers = sum(type(module).__name__ == "Linear" and hasattr(module, "lora_A") for module in model.modules())
    assert acting(placed) == sorted([*acting(plain), *[("inner", 0.05)] * layers])


def test_dropout_covers_the_update_of_the_layer_it_is_hooked_behind(make_model, make_rows, collate, adapt) -> None:
    """Everything after each branch dropped: nothing of what the layers and their updates compute arrives."""
    probe, model = inputs("llama", make_rows, collate), make_model("llama")
    adapt("llama", model)
    place_dropout(model, probe, hidden=1.0, classifier=0.0)
    with torch.no_grad():
        before = model.train()(**probe).logits
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                nn.init.normal_(parameter)

        assert torch.equal(model(**probe).logits, before)


def test_updates_are_decayed_and_frozen_weights_are_not(make_model, adapt) -> None:
    model = make_model("bert")
    trained = adapt("bert", model).trained

    counts = count_decayed(model)

    assert counts.undecayed_parameters == 3  # the bias of the head
    assert counts.decayed_parameters == trained.trainable_parameters - 3


def test_new_parameters_have_the_names_of_the_wrapped_head(make_model, adapt) -> None:
    model = make_model("bert")

    names = adapt("bert", model).new_parameters

    assert names == ("classifier.modules_to_save.default.weight", "classifier.modules_to_save.default.bias")
    assert set(names) < {name for name, _ in model.named_parameters()}


def test_without_peft_the_error_says_how_to_get_it(make_model, adapt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lora, "find_spec", lambda name: None)

    with pytest.raises(EnvironmentFault, match="needs the Python package peft") as caught:
        adapt("bert", make_model("bert"))

    assert caught.value.hint == 'pip install "regtune[lora]"'


def test_a_new_parameter_beside_old_ones_is_an_error(make_model, adapt) -> None:
    new = ("bert.encoder.layer.0.output.dense.bias",)

    with pytest.raises(ConfigError, match=r"lora cannot train bert\.encoder\.layer\.0\.output\.dense\.bias"):
        adapt("bert", make_model("bert"), new_parameters=new)
