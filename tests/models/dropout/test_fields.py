import pytest
import torch
from transformers import PreTrainedModel

from regtune.models.dropout.fields import governing_fields


def governed(model: PreTrainedModel, field: str, *, fill_unset: bool = True) -> list[str]:
    fields = governing_fields(model, fill_unset=fill_unset)
    names = [name for name, owner in fields.field_by_name.items() if owner == field]
    return [path for path, attribute in names if not attribute.startswith("config.")]


def test_an_unset_field_governs_what_would_fall_back(build) -> None:
    assert governed(build("bert"), "classifier_dropout") == ["dropout"]


def test_an_unset_field_left_unset_governs_nothing(build) -> None:
    model = build("bert", num_hidden_layers=0)

    assert governed(model, "classifier_dropout", fill_unset=False) == []
    assert governed(model, "hidden_dropout_prob", fill_unset=False) == ["bert.embeddings.dropout", "dropout"]


def test_the_same_name_governs_other_things_elsewhere(build) -> None:
    distilbert = governed(build("distilbert", n_layers=1), "attention_dropout")
    modernbert = governed(build("modernbert", num_hidden_layers=1), "attention_dropout")

    assert distilbert == ["distilbert.transformer.layer.0.attention.dropout"]
    assert modernbert == ["model.layers.0.attn", "model.layers.0.attn.out_drop"]


@pytest.mark.parametrize(("name", "complete"), [("modernbert", False), ("modernbert-dropout", True)])
def test_a_field_whose_module_the_model_lacks_is_incomplete(build, name: str, complete: bool) -> None:
    fields = governing_fields(build(name), fill_unset=True)

    assert fields.is_complete("attention_dropout") is complete


def test_neither_the_config_nor_the_random_state_changes(encoder: PreTrainedModel) -> None:
    before = encoder.config.to_dict(), torch.get_rng_state()
    governing_fields(encoder, fill_unset=True)

    assert encoder.config.to_dict() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
