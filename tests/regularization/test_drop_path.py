import pytest
from transformers import AutoConfig, AutoModelForImageClassification, AutoModelForSequenceClassification

from regtune.errors import ConfigError
from regtune.regularization.drop_path import DropPath

SMALL = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 48}


def test_the_sites_are_known_once_the_model_is_adjusted() -> None:
    config = AutoConfig.for_model("beit", **SMALL, image_size=16, patch_size=8)
    technique = DropPath(0.2)
    technique.adjust_model(AutoModelForImageClassification.from_config(config), {})

    assert [site.probability for site in technique.sites] == pytest.approx([0.1, 0.2])


def test_a_model_without_stochastic_depth_is_an_error() -> None:
    model = AutoModelForSequenceClassification.from_config(AutoConfig.for_model("bert", **SMALL, vocab_size=64))

    with pytest.raises(ConfigError, match="BertForSequenceClassification has no stochastic depth"):
        DropPath(0.1).adjust_model(model, {})
