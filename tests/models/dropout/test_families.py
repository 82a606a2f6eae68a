"""Architectures that each need a rule of their own kind; the coverage benchmark holds all the others."""

import pytest
import torch
from transformers import PreTrainedModel

from benchmarks.dropout_coverage.small_models import Pair, build, probe
from regtune.errors import ConfigError
from regtune.models.dropout import Placement, place_dropout
from regtune.models.trace import trace_forward

TEXT, TOKENS = "AutoModelForSequenceClassification", "AutoModelForTokenClassification"
LANGUAGE, TRANSLATION = "AutoModelForCausalLM", "AutoModelForSeq2SeqLM"
IMAGES = "AutoModelForImageClassification"
HIDDEN = ("attention_output", "feed_forward")


def small(name: str, auto_class: str) -> tuple[PreTrainedModel, dict[str, torch.Tensor]]:
    pair = Pair(name, auto_class)
    model = build(pair)
    return model, probe(pair, model)


def values(placement: Placement, *kinds: str) -> set[float]:
    return {site.probability for site in placement.sites if site.kind in kinds}


def paths(placement: Placement, kind: str) -> list[str]:
    return [site.path for site in placement.sites if site.kind == kind]


def test_a_field_that_is_read_in_the_forward_is_a_knob() -> None:
    """Falcon drops its layers' output with config.hidden_dropout."""
    model, inputs = small("falcon", LANGUAGE)

    placement = place_dropout(model, inputs, hidden=0.2)

    assert values(placement, *HIDDEN) == {0.2}
    assert model.config.hidden_dropout == 0.2


@pytest.mark.parametrize("attention", [0.0, 0.15])
def test_xlnet_drops_probabilities_and_outputs_apart(attention: float) -> None:
    placement = place_dropout(*small("xlnet", TEXT), hidden=0.2, attention=attention)

    assert values(placement, "attention_probabilities") == {attention}
    assert values(placement, *HIDDEN) == {0.2}


def test_a_fourier_transform_is_dropped_after() -> None:
    placement = place_dropout(*small("fnet", TEXT), hidden=0.2)

    assert paths(placement, "attention_output") == [f"fnet.encoder.layer.{layer}.fourier.self" for layer in (0, 1)]


def test_of_the_two_dropouts_before_t5_s_token_classifier_one_acts() -> None:
    placement = place_dropout(*small("t5", TOKENS), hidden=0.2)

    assert [site.probability for site in placement.sites if site.kind == "classifier"] == [0.2, 0.0]


def test_labels_are_what_the_decoder_s_input_is_made_from() -> None:
    model, inputs = small("bart", TRANSLATION)
    inputs["labels"] = inputs.pop("decoder_input_ids")

    assert values(place_dropout(model, inputs, hidden=0.2), *HIDDEN) == {0.2}


def test_cross_attention_is_covered() -> None:
    placement = place_dropout(*small("t5", TRANSLATION), hidden=0.2)

    assert "decoder.block.0.layer.1.dropout" in paths(placement, "attention_output")


def test_a_field_that_an_architecture_refuses_is_left_alone() -> None:
    model, inputs = small("diffllama", LANGUAGE)

    assert values(place_dropout(model, inputs, hidden=0.2), *HIDDEN) == {0.2}
    assert model.config.attention_dropout == 0.0


def test_every_one_of_several_heads_is_covered() -> None:
    placement = place_dropout(*small("musicgen", LANGUAGE), hidden=0.2)

    assert paths(placement, "classifier") == [f"lm_heads.{codebook}" for codebook in range(4)]


def test_fields_of_a_config_inside_the_config_are_set() -> None:
    model, inputs = small("gemma3", TEXT)

    place_dropout(model, inputs, hidden=0.2, attention=0.15)

    assert model.config.text_config.attention_dropout == 0.15


@pytest.mark.parametrize(
    ("name", "modules"),
    [
        ("deepseek_v4", {"self_attn", "mlp"}),  # several residual streams, mixed by gates
        ("inkling_text", {"attn_sconv", "mlp_sconv"}),  # a residual connection inside each branch
        ("gemma3n_text", {"post_laurel_norm", "post_attention_layernorm", "post_feedforward_layernorm",
                          "post_per_layer_input_norm"}),  # one branch added to several streams
        ("gptj", {"attn", "mlp"}),  # both branches side by side
        ("granite", {"self_attn", "mlp"}),  # a factor on each branch
        ("mixtral", {"self_attn", "mlp"}),  # experts
        ("mamba", {"mixer"}),
        ("rwkv", {"attention", "feed_forward"}),
    ],
)  # fmt: skip
def test_where_the_branches_of_decoders_end(name: str, modules: set[str]) -> None:
    trace = trace_forward(*small(name, LANGUAGE))

    assert {branch.modules[-1].split(".")[-1] for branch in trace.branches} == modules


def test_latents_that_ask_for_attention_are_a_residual_stream() -> None:
    placement = place_dropout(*small("perceiver", TEXT), hidden=0.2)

    assert "perceiver.encoder.cross_attention.attention.output" in paths(placement, "attention_output")


def test_attention_beside_a_projected_stream_is_a_branch() -> None:
    """Three of the five layers here change the width: x ← W·x + attention(x)."""
    trace = trace_forward(*small("hiera", IMAGES))

    kinds = [branch.kind for branch in trace.branches]
    assert kinds.count("attention_output") == kinds.count("feed_forward") == sum((1, 2, 1, 1))


def test_a_module_with_a_second_use_gets_no_hook() -> None:
    """PoolFormer sends its pooling, which gets no dropout, through the same module as its feed-forward layer."""
    placement = place_dropout(*small("poolformer", IMAGES), hidden=0.2)

    assert not any(path.endswith("drop_path") for path in paths(placement, "feed_forward"))


def test_no_layer_is_skipped_by_the_probe() -> None:
    """With layer drop at 0.99, no branch would be seen."""
    model, inputs = small("bart", TRANSLATION)
    seen = len(trace_forward(model, inputs).branches)
    model.model.encoder.layerdrop = model.model.decoder.layerdrop = 0.99

    assert len(trace_forward(model, inputs).branches) == seen
    assert model.model.encoder.layerdrop == 0.99


def test_a_network_of_convolutions_has_dropout_before_the_final_layer_alone() -> None:
    placement = place_dropout(*small("resnet", IMAGES), hidden=0.2)

    assert [(site.path, site.kind, site.probability) for site in placement.sites] == [
        ("classifier.1", "classifier", 0.2)
    ]
    assert placement.notes == ("no attention and no feed-forward layer: dropout acts before the final layer alone",)


def test_hidden_dropout_asked_for_by_name_has_no_place_there() -> None:
    with pytest.raises(ConfigError, match=r"ResNetForImageClassification has no place for hidden dropout, got 0\.2"):
        place_dropout(*small("resnet", IMAGES), hidden=0.2, classifier=0.3)


def test_convolutions_beside_other_layers_stay_without() -> None:
    placement = place_dropout(*small("swiftformer", IMAGES), hidden=0.2)

    assert values(placement, *HIDDEN) == {0.2}
    assert "convolutions of images stay without dropout: it acts on the other layers" in placement.notes


def gradients(model: PreTrainedModel, inputs: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    torch.manual_seed(0)
    model.zero_grad()
    model(**inputs).logits.square().mean().backward()
    return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]


@pytest.mark.parametrize(
    ("name", "auto_class"),
    [("falcon", LANGUAGE), ("gptj", LANGUAGE), ("xlm-roberta", TEXT), ("vit", IMAGES), ("t5", TRANSLATION)],
)
def test_checkpointed_activations_give_equal_gradients(name: str, auto_class: str) -> None:
    model, inputs = small(name, auto_class)
    place_dropout(model, inputs, hidden=0.2)
    plain = gradients(model.train(), inputs)
    model.activation_checkpointing_enable()

    for recomputed, kept in zip(gradients(model, inputs), plain, strict=True):
        torch.testing.assert_close(recomputed, kept)  # T5 adds them up in another order
