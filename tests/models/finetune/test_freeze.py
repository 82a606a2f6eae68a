"""What trains, what is frozen, and what runs in evaluation mode."""

import pytest
import torch
from transformers import PreTrainedModel

from regtune.errors import ConfigError
from regtune.models.dropout import place_dropout
from regtune.models.finetune import Trained, freeze, held_sites, hold_in_evaluation


@pytest.fixture
def frozen(make_model, make_rows, collate):
    """frozen("bert", "head"): (the model, what trains in it); its checkpoint lacked the parameters in `new`."""

    def make(name: str, mode: str, *, new: tuple[str, ...] = (), **fields: object) -> tuple[PreTrainedModel, Trained]:
        model = make_model(name, **fields)
        return model, freeze(model, mode, new_parameters=new, probe=collate(make_rows(name)[:2]))

    return make


HEADS = {
    "bert": ("classifier",),
    "roberta": ("classifier",),
    "llama": ("score",),
    "t5": ("classification_head",),
    "vit": ("classifier",),
    "bert-tokens": ("classifier",),
}


@pytest.mark.parametrize("name", HEADS)
def test_head_trains_what_is_outside_of_the_base_model(frozen, name: str) -> None:
    model, trained = frozen(name, "head")

    assert trained.modules == HEADS[name]
    assert {n for n, p in model.named_parameters() if p.requires_grad} == {
        n for n, _ in model.named_parameters() if n.startswith(HEADS[name])
    }


def test_head_counts_are_of_the_model(frozen) -> None:
    """16 features × 3 classes + 3 biases."""
    model, trained = frozen("bert", "head")

    assert trained.trainable_parameters == 51
    assert trained.all_parameters == sum(parameter.numel() for parameter in model.parameters())


def test_a_new_pooler_is_part_of_the_head(frozen) -> None:
    _, trained = frozen("bert", "head", new=("bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.bias"))

    assert trained.modules == ("bert.pooler", "classifier")
    assert trained.held == ("bert.embeddings", "bert.encoder")


def test_in_a_model_from_scratch_the_base_model_is_no_head(frozen, make_model) -> None:
    names = tuple(name for name, _ in make_model("bert").named_parameters())

    assert frozen("bert", "head", new=names)[1].modules == ("classifier",)


@pytest.mark.parametrize("name", ["llama-lm", "t5-lm"])
def test_a_language_model_has_no_head_to_train(frozen, name: str) -> None:
    with pytest.raises(ConfigError, match=r"model\.finetune: head needs a head that is new for the task, and \w+ has"):
        frozen(name, "head")


LAST = {
    "bert": ("bert.encoder.layer.1", "bert.encoder.layer.2", "bert.pooler", "classifier"),
    "roberta": ("roberta.encoder.layer.1", "roberta.encoder.layer.2", "classifier"),
    "llama": ("model.layers.1", "model.layers.2", "model.norm", "score"),
    "t5": (
        "transformer.decoder.block.1",
        "transformer.decoder.block.2",
        "transformer.decoder.final_layer_norm",
        "classification_head",
    ),
    "vit": ("vit.layers.1", "vit.layers.2", "vit.layernorm", "classifier"),
    "llama-lm": ("model.layers.1", "model.layers.2", "model.norm"),
    "t5-lm": ("decoder.block.1", "decoder.block.2", "decoder.final_layer_norm"),
    "xlm": (
        *(f"transformer.{part}.{i}" for part in ("attentions", "layer_norm1", "ffns", "layer_norm2") for i in (1, 2)),
        "sequence_summary",
    ),
}


@pytest.mark.parametrize("name", LAST)
def test_last_2_trains_two_blocks_what_follows_and_the_head(frozen, name: str) -> None:
    _, trained = frozen(name, "last-2")

    assert trained.modules == LAST[name]
    assert trained.blocks == (2, 3)


@pytest.mark.parametrize("tied", [True, False])
def test_the_vocabulary_stays_frozen(frozen, tied: bool) -> None:
    model, _ = frozen("llama-lm", "last-3", tie_word_embeddings=tied)

    assert not model.lm_head.weight.requires_grad
    assert not model.model.embed_tokens.weight.requires_grad


def test_more_blocks_than_there_are_is_an_error(frozen) -> None:
    with pytest.raises(ConfigError, match="last-4 asks for more than the 3 blocks of BertForSequenceClassification"):
        frozen("bert", "last-4")


def test_full_trains_everything(frozen) -> None:
    model, trained = frozen("bert", "full")

    assert trained.trainable_parameters == trained.all_parameters
    assert trained.held == ()
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_held_modules_stay_in_evaluation_mode(frozen) -> None:
    model, trained = frozen("bert", "last-1")

    hold_in_evaluation(model, trained.held)
    model.train()

    modes = {path: module.training for path, module in model.named_modules()}
    assert not any(modes[f"bert.encoder.layer.{i}.output.dropout"] for i in (0, 1))
    assert not modes["bert.embeddings.dropout"]
    assert modes["bert.encoder.layer.2.output.dropout"]
    assert modes["dropout"]  # before the classifier


def test_dropout_before_the_head_acts_and_in_the_trunk_does_not(frozen, make_rows, collate) -> None:
    model, trained = frozen("bert", "head")
    probe = collate(make_rows("bert")[:2])
    sites = place_dropout(model, probe, hidden=0.5).sites
    hold_in_evaluation(model, trained.held)

    acting = [site.path for site in held_sites(sites, trained.held) if site.probability > 0]
    with torch.no_grad():
        trunk = [model.train().bert(probe["input_ids"])[1] for _ in range(2)]
        logits = [model(probe["input_ids"]).logits for _ in range(2)]

    assert acting == ["dropout"]
    assert torch.equal(*trunk)
    assert not torch.equal(*logits)
