import pytest
from transformers import AutoConfig

from regtune.models.dropout.config_fields import accepts_probability, dropout_fields, read_field, write_field


def test_fields_of_the_configs_inside_have_dotted_names() -> None:
    fields = dropout_fields(AutoConfig.for_model("gemma3"), fill_unset=False)

    assert "text_config.attention_dropout" in fields
    assert "vision_config.attention_dropout" in fields


def test_a_field_of_a_config_inside_is_read_and_written() -> None:
    config = AutoConfig.for_model("gemma3")

    write_field(config, "text_config.attention_dropout", 0.3)

    assert config.text_config.attention_dropout == 0.3
    assert read_field(config, "text_config.attention_dropout") == 0.3


@pytest.mark.parametrize(("fill_unset", "listed"), [(True, True), (False, False)])
def test_unset_fields_count_when_asked_for(fill_unset: bool, listed: bool) -> None:
    fields = dropout_fields(AutoConfig.for_model("bert"), fill_unset=fill_unset)

    assert ("classifier_dropout" in fields) is listed


def test_a_field_declared_as_a_whole_number_holds_no_probability() -> None:
    config = AutoConfig.for_model("mpt").attn_config

    assert not accepts_probability(config, "attn_pdrop")
    assert config.attn_pdrop == 0


def test_layer_drop_is_no_dropout() -> None:
    assert "encoder_layerdrop" not in dropout_fields(AutoConfig.for_model("bart"), fill_unset=False)
