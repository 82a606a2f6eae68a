"""Which sites dropout reaches, with which value, and how it is reached."""

import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from regtune.errors import ConfigError
from regtune.models.dropout import Placement, list_sites, place_dropout

HIDDEN = ("attention_output", "feed_forward")
ONE_FIELD = ["bert", "roberta", "distilbert", "deberta", "mpnet", "electra", "albert"]  # hidden and embedding


def probabilities(placement: Placement, *kinds: str) -> set[float]:
    return {site.probability for site in placement.sites if site.kind in kinds}


def origins(placement: Placement, *kinds: str) -> set[str]:
    return {site.origin for site in placement.sites if site.kind in kinds}


def test_one_number_reaches_every_hidden_site_and_the_classifier(any_model: PreTrainedModel, probe) -> None:
    placement = place_dropout(any_model, probe, hidden=0.2)

    assert probabilities(placement, *HIDDEN, "classifier") == {0.2}


def test_both_branches_of_both_layers_are_reached(encoder: PreTrainedModel, probe) -> None:
    placement = place_dropout(encoder, probe, hidden=0.2)

    layers = 1 if encoder.config.model_type == "albert" else 2  # the layers of ALBERT are one, called twice
    convolutions = int(getattr(encoder.config, "conv_kernel_size", 0) > 0)
    kinds = [site.kind for site in placement.sites]
    assert kinds.count("attention_output") == layers
    assert kinds.count("feed_forward") == layers + convolutions
    assert kinds.count("classifier") == 1


def test_attention_probabilities_are_whole_unless_asked_for(any_model: PreTrainedModel, probe) -> None:
    placement = place_dropout(any_model, probe, hidden=0.2)

    assert probabilities(placement, "attention_probabilities") == {0.0}


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize("name", ["bert", "roberta", "distilbert", "electra", "albert", "modernbert"])
def test_attention_probabilities_in_both_implementations(build, probe, name: str, implementation: str) -> None:
    model = build(name, attn_implementation=implementation)

    placement = place_dropout(model, probe, hidden=0.2, attention=0.4)

    assert probabilities(placement, "attention_probabilities") == {0.4}
    assert probabilities(placement, *HIDDEN) == {0.2}


@pytest.mark.parametrize(
    ("name", "hidden", "classifier", "attention"),
    [
        ("bert", "field hidden_dropout_prob", "field classifier_dropout", "field attention_probs_dropout_prob"),
        ("roberta", "field hidden_dropout_prob", "field classifier_dropout", "field attention_probs_dropout_prob"),
        ("deberta", "field hidden_dropout_prob", "field hidden_dropout_prob", "field attention_probs_dropout_prob"),
        ("mpnet", "field hidden_dropout_prob", "field hidden_dropout_prob", "field attention_probs_dropout_prob"),
        ("electra", "field hidden_dropout_prob", "field classifier_dropout", "field attention_probs_dropout_prob"),
        ("gpt2", "field resid_pdrop", "added", "field attn_pdrop"),
        ("llama", "added", "added", "field attention_dropout"),
        ("modernbert", "added", "field classifier_dropout", "module"),
    ],
)
def test_how_sites_are_reached(build, probe, name: str, hidden: str, classifier: str, attention: str) -> None:
    placement = place_dropout(build(name), probe, hidden=0.2)

    assert origins(placement, *HIDDEN) == {hidden}
    assert origins(placement, "classifier") == {classifier}
    assert origins(placement, "attention_probabilities") == {attention}


def test_distilbert_gets_the_dropout_after_attention_that_it_lacks(build, probe) -> None:
    placement = place_dropout(build("distilbert"), probe, hidden=0.2)

    assert origins(placement, "attention_output") == {"added"}
    assert origins(placement, "feed_forward") == {"field dropout"}
    assert origins(placement, "classifier") == {"field seq_classif_dropout"}


def test_albert_gets_the_dropout_after_the_feed_forward_layer_that_it_lacks(build, probe) -> None:
    placement = place_dropout(build("albert"), probe, hidden=0.2)

    assert origins(placement, "attention_output") == {"field hidden_dropout_prob"}
    assert origins(placement, "feed_forward") == {"added"}


def test_modernbert_built_with_dropout_is_set_on_its_modules(build, probe) -> None:
    """Its attention_dropout governs the probabilities and the attention output alike."""
    model = build("modernbert-dropout")

    placement = place_dropout(model, probe, hidden=0.2)

    assert origins(placement, "attention_output", "attention_probabilities") == {"module"}
    assert origins(placement, "feed_forward") == {"added"}
    assert model.config.attention_dropout == 0.15


def test_dropout_inside_a_feed_forward_layer_keeps_its_own_value(build, probe) -> None:
    placement = place_dropout(build("modernbert-dropout"), probe, hidden=0.2)

    assert probabilities(placement, "inner") == {0.25}
    assert origins(placement, "inner") == {"field mlp_dropout"}


def test_config_fields_say_what_the_model_does(build, probe) -> None:
    model = build("bert")
    place_dropout(model, probe, hidden=0.2, classifier=0.3)

    fields = (
        model.config.hidden_dropout_prob,
        model.config.classifier_dropout,
        model.config.attention_probs_dropout_prob,
    )
    assert fields == (0.2, 0.3, 0.0)


def test_a_classifier_without_a_field_of_its_own_is_set_on_the_module(build, probe) -> None:
    model = build("mpnet")

    placement = place_dropout(model, probe, hidden=0.2, classifier=0.3)

    assert origins(placement, "classifier") == {"module"}
    assert model.config.hidden_dropout_prob == 0.2
    assert placement.notes[1:] == (
        "classifier dropout is 0.3 on the module alone: hidden_dropout_prob governs more, and stays 0.2",
    )


@pytest.mark.parametrize("name", ONE_FIELD)
def test_embedding_dropout_follows_hidden_where_one_field_governs_both(build, probe, name: str) -> None:
    placement = place_dropout(build(name), probe, hidden=0.2)

    field = "dropout" if name == "distilbert" else "hidden_dropout_prob"
    assert probabilities(placement, "embedding") == {0.2}
    assert placement.notes == (f"embedding dropout follows hidden: {field} governs both",)


@pytest.mark.parametrize("name", ONE_FIELD)
def test_embedding_dropout_can_be_set_apart(build, probe, name: str) -> None:
    placement = place_dropout(build(name), probe, hidden=0.2, embedding=0.05)

    assert probabilities(placement, "embedding") == {0.05}
    assert probabilities(placement, *HIDDEN) == {0.2}


@pytest.mark.parametrize(("name", "field"), [("modernbert", "embedding_dropout"), ("gpt2", "embd_pdrop")])
def test_embedding_dropout_with_a_field_of_its_own_keeps_its_value(build, probe, name: str, field: str) -> None:
    placement = place_dropout(build(name, **{field: 0.35}), probe, hidden=0.2)

    assert probabilities(placement, "embedding") == {0.35}
    assert placement.notes == ()


def test_embedding_dropout_with_a_field_of_its_own_is_set_through_it(build, probe) -> None:
    model = build("modernbert")

    placement = place_dropout(model, probe, hidden=0.2, embedding=0.05)

    assert origins(placement, "embedding") == {"field embedding_dropout"}
    assert model.config.embedding_dropout == 0.05


def test_relative_positions_of_deberta_are_embeddings(build, probe) -> None:
    placement = place_dropout(build("deberta"), probe, hidden=0.2, embedding=0.0)

    paths = [site.path for site in placement.sites if site.kind == "embedding" and "pos_dropout" in site.path]
    assert len(paths) == 2
    assert probabilities(placement, "embedding") == {0.0}


def test_placing_again_changes_the_numbers_and_adds_nothing(any_model: PreTrainedModel, probe) -> None:
    first = place_dropout(any_model, probe, hidden=0.2)
    second = place_dropout(any_model, probe, hidden=0.1, classifier=0.4)

    assert [site.path for site in second.sites] == [site.path for site in first.sites]
    assert probabilities(second, *HIDDEN) == {0.1}
    assert probabilities(second, "classifier") == {0.4}


def test_listing_changes_nothing(encoder: PreTrainedModel, probe) -> None:
    before = encoder.config.to_dict(), str(encoder)
    list_sites(encoder, probe)

    assert (encoder.config.to_dict(), str(encoder)) == before


def test_listing_shows_the_values_the_model_came_with(build, probe) -> None:
    sites = list_sites(build("bert", hidden_dropout_prob=0.15), probe)

    assert {(site.kind, site.probability, site.origin) for site in sites} == {
        ("embedding", 0.15, "field hidden_dropout_prob"),
        ("attention_probabilities", 0.1, "field attention_probs_dropout_prob"),
        ("attention_output", 0.15, "field hidden_dropout_prob"),
        ("feed_forward", 0.15, "field hidden_dropout_prob"),
        ("classifier", 0.15, "field hidden_dropout_prob"),  # classifier_dropout is None and falls back
    }


def test_listing_after_placing_agrees_with_the_placement(any_model: PreTrainedModel, probe) -> None:
    placement = place_dropout(any_model, probe, hidden=0.2)

    listed = [(site.path, site.kind, site.probability) for site in list_sites(any_model, probe)]
    assert listed == [(site.path, site.kind, site.probability) for site in placement.sites]


def test_placing_uses_up_no_random_numbers(any_model: PreTrainedModel, probe) -> None:
    before = torch.get_rng_state()
    place_dropout(any_model, probe, hidden=0.2)

    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_that_reaches_no_site_is_an_error(build, probe) -> None:
    with pytest.raises(ConfigError) as caught:
        place_dropout(build("llama"), probe, hidden=0.2, embedding=0.3)

    assert str(caught.value) == (
        "regularization.dropout: LlamaForSequenceClassification has no place for embedding dropout, got 0.3"
    )
    assert caught.value.hint == "set that kind to 0 or leave it out, or use regularization.dropout=keep"


def test_asking_for_none_where_there_is_no_place_is_fine(build, probe) -> None:
    place_dropout(build("llama"), probe, hidden=0.2, embedding=0.0)


class Doubled(nn.Module):
    """A module with two dropouts in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Dropout(0.1), nn.Dropout(0.1)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(hidden))


def test_of_two_dropouts_in_a_row_one_acts(build, probe) -> None:
    model = build("bert")
    doubled = Doubled()
    model.bert.encoder.layer[1].output.dropout = doubled

    place_dropout(model, probe, hidden=0.2)

    assert (doubled.first.p, doubled.second.p) == (0.2, 0.0)


def test_one_dropout_called_twice_in_a_row_is_an_error(build, probe) -> None:
    model = build("bert")
    doubled = Doubled()
    doubled.second = doubled.first
    model.bert.encoder.layer[1].output.dropout = doubled

    with pytest.raises(ConfigError) as caught:
        place_dropout(model, probe, hidden=0.2)
    assert str(caught.value) == (
        "dropout cannot be placed in BertForSequenceClassification: feed_forward bert.encoder.layer.1.output.dropout "
        "has dropout [0.2, 0.2], wanted 0.2"
    )


def test_one_module_for_attention_probabilities_and_hidden_is_split(build, probe) -> None:
    model = build("mpnet")
    layer = model.mpnet.encoder.layer[0].attention
    layer.dropout = layer.attn.dropout

    placement = place_dropout(model, probe, hidden=0.2)

    assert probabilities(placement, "attention_probabilities") == {0.0}
    assert probabilities(placement, "attention_output") == {0.2}
    assert layer.dropout is layer.attn.dropout


def test_one_module_for_two_meanings_of_one_shape_is_an_error(build, probe) -> None:
    model = build("bert")
    model.dropout = model.bert.encoder.layer[1].output.dropout
    model.bert.embeddings.dropout = model.dropout

    with pytest.raises(ConfigError, match=r"dropout\.p is one value for classifier and embedding and feed_forward"):
        place_dropout(model, probe, hidden=0.2, embedding=0.1)


class Hardcoded(nn.Module):
    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(hidden, 0.5, self.training)


def test_a_probability_written_into_the_code_is_an_error(build, probe) -> None:
    model = build("bert")
    model.dropout = Hardcoded()

    with pytest.raises(ConfigError, match=r"classifier has dropout \[0\.5\], wanted 0\.2"):
        place_dropout(model, probe, hidden=0.2)
