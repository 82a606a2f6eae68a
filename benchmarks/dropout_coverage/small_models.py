"""Every architecture that an auto class can build, built very small, and two short rows of input for it.

    for pair in pairs():
        model = build(pair)
        logits = model(**probe(pair, model)).logits

Random weights, larger than an initialisation's: what a layer does must show in the logits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from benchmarks.dropout_coverage.shrink import FIRST_MOVED_TOKEN, HIGHEST_KEPT_TOKEN, IMAGE_SIDE, shrink

AUTO_CLASSES = {
    "AutoModelForSequenceClassification": modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    "AutoModelForTokenClassification": modeling_auto.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES,
    "AutoModelForCausalLM": modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    "AutoModelForSeq2SeqLM": modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    "AutoModelForImageClassification": modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES,
}
LENGTHS = (12, 10)  # tokens of the two rows; the shorter one is padded on the right
CLASSES = 3


@dataclass(frozen=True, order=True)
class Pair:
    """An architecture and one of the auto classes that build it."""

    model_type: str
    auto_class: str

    def __str__(self) -> str:
        return f"{self.model_type} {self.auto_class}"


def pairs() -> list[Pair]:
    """All of them, in the order of names."""
    return sorted(Pair(model_type, name) for name, mapping in AUTO_CLASSES.items() for model_type in mapping)


def config_for(pair: Pair) -> PreTrainedConfig:
    """The small config. Raises whatever the architecture's config class raises."""
    config = shrink(CONFIG_MAPPING[pair.model_type])
    text = config.get_text_config()
    if text.pad_token_id is None:
        config.pad_token_id = text.pad_token_id = 0  # decoders classify the last token that is not padding
    if pair.auto_class in {"AutoModelForSequenceClassification", "AutoModelForTokenClassification"} | {
        "AutoModelForImageClassification"
    }:
        config.num_labels = CLASSES
    if pair.auto_class == "AutoModelForCausalLM" and config.is_encoder_decoder is False:
        config.is_decoder = True
    return config


def build(pair: Pair, *, seed: int = 0) -> PreTrainedModel:
    """The small model in eval mode. Raises ImportError where a package is missing, and whatever the model raises."""
    torch.manual_seed(seed)
    auto_class: Any = getattr(transformers, pair.auto_class)
    model: PreTrainedModel = auto_class.from_config(config_for(pair), dtype=torch.float32)
    _make_every_layer_matter(model)
    return model.eval()


def probe(pair: Pair, model: PreTrainedModel, *, seed: int = 0) -> dict[str, Tensor]:
    """Two rows. Texts: input_ids and attention_mask, (2, 12); decoder_input_ids (2, 6) where there is a decoder with an
    encoder before it. Images: pixel_values, (2, channels, 32, 32)."""
    generator = torch.Generator().manual_seed(seed)
    if pair.auto_class == "AutoModelForImageClassification":
        return {"pixel_values": _pixels(model.config, generator)}
    text_config = model.config.get_text_config()
    lowest, highest = HIGHEST_KEPT_TOKEN, FIRST_MOVED_TOKEN
    ids = torch.randint(lowest, highest, (len(LENGTHS), max(LENGTHS)), generator=generator)
    attention_mask = (torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]).long()
    ids = torch.where(attention_mask.bool(), ids, text_config.pad_token_id or 0)
    inputs = {"input_ids": ids, "attention_mask": attention_mask}
    if pair.auto_class == "AutoModelForSeq2SeqLM" and model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = torch.randint(lowest, highest, (len(LENGTHS), 6), generator=generator)
    return inputs


def _pixels(config: PreTrainedConfig, generator: torch.Generator) -> Tensor:
    side = getattr(config, "image_size", IMAGE_SIDE)
    height, width = (side, side) if isinstance(side, int) else side
    return torch.randn(2, getattr(config, "num_channels", 3), height, width, generator=generator)


def _make_every_layer_matter(model: PreTrainedModel) -> None:
    """Weights that start at zero, or so small that a branch is lost in rounding, would hide what dropout does."""
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn_like(parameter)
            if parameter.ndim > 1:
                parameter.copy_(noise / math.sqrt(parameter[0].numel()))
            else:
                parameter.add_(0.1 * noise)
