import pytest
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from regtune.config.schema import DropoutSettings
from regtune.errors import ConfigError
from regtune.models.dropout import Placement
from regtune.regularization.dropout import Dropout

SMALL = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48, "vocab_size": 64}


@pytest.fixture
def model() -> PreTrainedModel:
    return AutoModelForSequenceClassification.from_config(AutoConfig.for_model("bert", **SMALL))


@pytest.fixture
def probe() -> dict[str, Tensor]:
    return {"input_ids": torch.arange(5, 21).reshape(2, 8), "labels": torch.tensor([0, 1])}


def by_kind(placement: Placement) -> dict[str, float]:
    return {site.kind: site.probability for site in placement.sites}


def test_one_number(model: PreTrainedModel, probe: dict[str, Tensor]) -> None:
    dropout = Dropout(0.3)
    dropout.adjust_model(model, probe)

    assert by_kind(dropout.placement) == {
        "embedding": 0.3,
        "attention_probabilities": 0.0,
        "attention_output": 0.3,
        "feed_forward": 0.3,
        "classifier": 0.3,
    }


def test_one_number_per_kind(model: PreTrainedModel, probe: dict[str, Tensor]) -> None:
    dropout = Dropout(DropoutSettings(hidden=0.1, classifier=0.2, attention=0.3, embedding=0.4))
    dropout.adjust_model(model, probe)

    assert by_kind(dropout.placement) == {
        "embedding": 0.4,
        "attention_probabilities": 0.3,
        "attention_output": 0.1,
        "feed_forward": 0.1,
        "classifier": 0.2,
    }


def test_a_mapping_without_classifier_takes_hidden(model: PreTrainedModel, probe: dict[str, Tensor]) -> None:
    dropout = Dropout(DropoutSettings(hidden=0.2))
    dropout.adjust_model(model, probe)

    assert by_kind(dropout.placement)["classifier"] == 0.2


def test_keep_changes_nothing_and_lists_the_model_s_own_values(
    model: PreTrainedModel, probe: dict[str, Tensor]
) -> None:
    before = model.config.to_dict(), str(model)
    dropout = Dropout("keep")
    dropout.adjust_model(model, probe)

    assert (model.config.to_dict(), str(model)) == before
    assert set(by_kind(dropout.placement).values()) == {0.1}
    assert dropout.placement.notes == ("keep: every site has the model's own value",)


def test_strength_zero_in_training_is_the_plain_model(model: PreTrainedModel, probe: dict[str, Tensor]) -> None:
    plain = model.eval()(probe["input_ids"]).logits
    Dropout(0.0).adjust_model(model, probe)

    assert torch.equal(model.train()(probe["input_ids"]).logits, plain)


def test_a_kind_the_architecture_has_no_place_for_is_an_error(probe: dict[str, Tensor]) -> None:
    config = AutoConfig.for_model("llama", **SMALL, pad_token_id=0, bos_token_id=1, eos_token_id=2)
    model = AutoModelForSequenceClassification.from_config(config)

    with pytest.raises(ConfigError, match=r"has no place for embedding dropout, got 0\.4"):
        Dropout(DropoutSettings(hidden=0.1, embedding=0.4)).adjust_model(model, probe)
