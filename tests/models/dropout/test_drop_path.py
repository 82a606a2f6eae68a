import copy
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageClassification, PreTrainedModel

from benchmarks.dropout_coverage.small_models import IMAGES, Pair, build, probe
from regtune.errors import ConfigError
from regtune.models.dropout import place_dropout, set_drop_path


def small(name: str) -> PreTrainedModel:
    return build(Pair(name, IMAGES))


def logits(model: PreTrainedModel, *, seed: int) -> torch.Tensor:
    torch.manual_seed(seed)
    with torch.no_grad():
        return model(**probe(Pair(model.config.model_type, IMAGES), model)).logits


@pytest.mark.parametrize("name", ["convnext", "swin", "segformer"])
def test_grows_linearly_from_zero_to_the_value(name: str) -> None:
    sites = set_drop_path(small(name), 0.4)

    count = len(sites)  # without the first branch, which has 0
    assert [site.probability for site in sites] == pytest.approx([0.4 * (i + 1) / count for i in range(count)])


def test_dinov2_has_one_value_for_all() -> None:
    assert [site.probability for site in set_drop_path(small("dinov2"), 0.4)] == [0.4, 0.4]


def test_the_config_says_it() -> None:
    model = small("swin")
    sites = set_drop_path(model, 0.4)

    assert model.config.drop_path_rate == 0.4
    assert {(site.kind, site.origin) for site in sites} == {("drop_path", "field drop_path_rate")}


def test_acts_in_training_alone() -> None:
    model = small("convnext")
    plain = logits(model, seed=0)
    set_drop_path(model, 0.6)

    assert torch.equal(logits(model.eval(), seed=1), plain)
    assert not torch.equal(logits(model.train(), seed=0), logits(model, seed=5))


def test_near_one_the_last_branch_is_skipped() -> None:
    """Another weight in the last branch then changes nothing."""
    model = small("beit").train()
    place_dropout(model, probe(Pair("beit", IMAGES), model), hidden=0.0)
    set_drop_path(model, 1 - 1e-7)
    before = logits(model, seed=0)

    with torch.no_grad():
        model.beit.layers[-1].mlp.fc2.weight.add_(1.0)

    assert torch.equal(logits(model, seed=0), before)


def test_placing_again_changes_the_number() -> None:
    model = small("swin")
    set_drop_path(model, 0.2)
    set_drop_path(model, 0.4)

    assert [vars(m)["drop_prob"] for m in model.modules() if "drop_prob" in vars(m)][-1] == 0.4


def test_zero_is_off() -> None:
    model = small("swin")  # built with 0.1
    place_dropout(model, probe(Pair("swin", IMAGES), model), hidden=0.0, embedding=0.0)
    set_drop_path(model, 0.0)

    assert torch.equal(logits(model.train(), seed=0), logits(model.eval(), seed=0))


def test_state_dict_and_random_state_stay() -> None:
    model = small("convnext")
    keys, state = list(model.state_dict()), torch.get_rng_state()
    set_drop_path(model, 0.3)

    assert list(model.state_dict()) == keys
    assert torch.equal(torch.get_rng_state(), state)


def test_the_saved_folder_loads_with_transformers_alone(tmp_path: Path) -> None:
    model = small("convnext")
    set_drop_path(model, 0.3)
    model.save_pretrained(tmp_path)

    loaded = AutoModelForImageClassification.from_pretrained(tmp_path)

    assert loaded.config.drop_path_rate == 0.3
    assert torch.equal(logits(loaded.eval(), seed=0), logits(model.eval(), seed=0))


def test_a_copy_skips_alike() -> None:
    model = small("convnext").train()
    set_drop_path(model, 0.6)

    assert torch.equal(logits(copy.deepcopy(model), seed=3), logits(model, seed=3))


@pytest.mark.parametrize("name", ["vit", "levit"])
def test_an_architecture_without_refuses(name: str) -> None:
    model = small(name)

    with pytest.raises(ConfigError) as caught:
        set_drop_path(model, 0.1)
    assert str(caught.value) == (
        f"regularization.drop_path: {type(model).__name__} has no stochastic depth (no config field drop_path_rate "
        "that takes a fraction), got 0.1"
    )


def test_zero_is_fine_anywhere() -> None:
    assert set_drop_path(small("vit"), 0.0) == ()
