"""Checkpoints of what trains: small, complete, and of the same model."""

import pytest
import torch

from regtune.errors import EnvironmentFault
from regtune.models.finetune import add_lora, freeze, frozen_fingerprint, restore_trained, trained_state


@pytest.fixture
def ready(make_model, make_rows, collate):
    """ready("bert", "lora"): a model in which only that trains."""

    def make(name: str, mode: str, **fields: object):
        model, probe = make_model(name, **fields), collate(make_rows(name)[:2])
        if mode == "lora":
            pytest.importorskip("peft")
            del probe["labels"]
            add_lora(model, rank=2, alpha=4, dropout=0.0, new_parameters=(), probe=probe, seed=0)
        else:
            freeze(model, mode, new_parameters=(), probe=probe)
        return model

    return make


@pytest.mark.parametrize("mode", ["full", "head", "last-1", "lora"])
@pytest.mark.parametrize("name", ["bert", "t5"])
def test_a_restored_model_is_bit_equal(ready, make_rows, collate, name: str, mode: str) -> None:
    model, batch = ready(name, mode), collate(make_rows(name)[:4])
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter)
    state = {key: value.clone() for key, value in trained_state(model).items()}

    again = ready(name, mode)
    restore_trained(again, state)

    assert torch.equal(again.eval()(**batch).logits, model.eval()(**batch).logits)


def test_a_head_is_saved_without_its_trunk(ready) -> None:
    state = trained_state(ready("bert", "head"))

    assert {name for name in state if "position_ids" not in name} == {"classifier.weight", "classifier.bias"}


def test_full_saves_each_tied_parameter_once(ready) -> None:
    state = trained_state(ready("llama-lm", "full", tie_word_embeddings=True))

    assert "model.embed_tokens.weight" in state
    assert "lm_head.weight" not in state


def test_the_state_of_another_mode_is_refused(ready) -> None:
    state = trained_state(ready("bert", "head"))

    with pytest.raises(EnvironmentFault, match="in which other parameters train: 18 names differ, the first is bert"):
        restore_trained(ready("bert", "last-1"), state)


def test_the_fingerprint_is_of_the_frozen_weights_alone(ready) -> None:
    first, second = ready("bert", "head"), ready("bert", "head")
    torch.nn.init.normal_(second.classifier.weight)

    assert frozen_fingerprint(first) == frozen_fingerprint(second)

    with torch.no_grad():
        second.bert.encoder.layer[2].output.dense.weight += 1e-4
    assert frozen_fingerprint(first) != frozen_fingerprint(second)
