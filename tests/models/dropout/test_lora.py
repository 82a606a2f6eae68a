"""Dropout and LoRA: placed after the adapters, it covers what they add as well."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor
from transformers import PreTrainedModel

from regtune.models.dropout import place_dropout

# PEFT asks for a property that transformers has renamed.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

LINEAR = ["q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"]  # DistilBERT's layers, all of them
DECODER = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def with_adapters(model: PreTrainedModel, targets: list[str]) -> PreTrainedModel:
    """The model inside the PEFT model, with adapters that are not zero any more."""
    adapted = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=2, target_modules=targets, lora_dropout=0.0))
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    return adapted.get_base_model()


def adapter_gradients(model: PreTrainedModel, probe: dict[str, Tensor]) -> list[float]:
    model.train()(**probe).logits.square().sum().backward()
    return [p.grad.abs().max().item() for n, p in model.named_parameters() if "lora_" in n and p.grad is not None]


@pytest.mark.parametrize(("name", "targets"), [("distilbert", LINEAR), ("llama", DECODER)])
def test_what_the_adapters_add_is_dropped(build, probe, name: str, targets: list[str]) -> None:
    """When everything after each branch is dropped, no adapter has any effect."""
    model = with_adapters(build(name), targets)
    place_dropout(model, probe, hidden=1.0, classifier=0.0, embedding=0.0)

    assert max(adapter_gradients(model, probe)) == 0


def test_without_dropout_the_adapters_matter(build, probe) -> None:
    """The test above would notice."""
    model = with_adapters(build("distilbert"), LINEAR)
    place_dropout(model, probe, hidden=0.0)

    assert max(adapter_gradients(model, probe)) > 0


def test_every_site_is_reached(build, probe) -> None:
    placement = place_dropout(with_adapters(build("distilbert"), LINEAR), probe, hidden=0.2)

    sites = {(site.kind, site.probability) for site in placement.sites if site.kind != "inner"}
    assert sites == {
        ("embedding", 0.2),
        ("attention_probabilities", 0.0),
        ("attention_output", 0.2),
        ("feed_forward", 0.2),
        ("classifier", 0.2),
    }


def test_the_adapters_own_dropout_stays(build, probe) -> None:
    model = get_peft_model(
        build("distilbert"), LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["q_lin"], lora_dropout=0.15)
    ).get_base_model()

    placement = place_dropout(model, probe, hidden=0.2)

    assert {site.probability for site in placement.sites if "lora_dropout" in site.path} == {0.15}


def test_placed_before_the_adapters_a_hook_on_a_layer_misses_them(build, probe) -> None:
    """Why it is placed afterwards: a hook may sit on a linear layer, which the adapter then wraps."""
    plain = build("albert")  # its feed-forward layer ends in one
    place_dropout(plain, probe, hidden=1.0, classifier=0.0, embedding=0.0)

    model = with_adapters(plain, ["ffn_output"])

    assert max(adapter_gradients(model, probe)) > 0
