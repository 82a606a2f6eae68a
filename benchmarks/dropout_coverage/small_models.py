"""Every architecture that an auto class can build, built very small, and two short rows of input for it.

    for pair in pairs():
        model = build(pair)
        logits = model(**probe(pair, model)).logits

Random weights, larger than an initialisation's: what a layer does must show in the logits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from benchmarks.dropout_coverage.shrink import FIRST_MOVED_TOKEN, HIGHEST_KEPT_TOKEN, IMAGE_SIDE, shrink

AUTO_CLASSES: dict[str, Mapping[str, Any]] = {
    "AutoModelForSequenceClassification": modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    "AutoModelForTokenClassification": modeling_auto.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES,
    "AutoModelForCausalLM": modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    "AutoModelForSeq2SeqLM": modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    "AutoModelForImageClassification": modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES,
}
LENGTHS = (12, 10)  # tokens of the two rows; the shorter one is padded on the right
CLASSES = 3
BUILT_FROM_A_PART = {"musicgen", "musicgen_melody"}  # of whose whole config the auto class makes nothing
IMAGES = "AutoModelForImageClassification"


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


def build(pair: Pair, *, seed: int = 0) -> PreTrainedModel:
    """The small model in eval mode. Raises ImportError where a package is missing, and whatever the model raises."""
    torch.manual_seed(seed)
    config = config_for(pair)
    model: PreTrainedModel
    if pair.model_type in BUILT_FROM_A_PART:
        model = model_class(pair)(text_config(config))
    else:
        model = getattr(transformers, pair.auto_class).from_config(config, dtype=torch.float32)
    _make_every_layer_matter(model)
    model.eval()
    return model


def model_class(pair: Pair) -> Any:
    """The class behind the pair; the first where the auto class chooses among several."""
    names = AUTO_CLASSES[pair.auto_class][pair.model_type]
    return getattr(transformers, names if isinstance(names, str) else names[0])


def config_for(pair: Pair) -> PreTrainedConfig:
    """The small config. Raises whatever the architecture's config class raises."""
    config = shrink(CONFIG_MAPPING[pair.model_type])
    config.architectures = [model_class(pair).__name__]  # what an auto class chooses by, where several classes fit
    if pair.auto_class not in {"AutoModelForCausalLM", "AutoModelForSeq2SeqLM"}:
        config.num_labels = CLASSES
    if pair.auto_class != IMAGES and _token(config, "pad") is None:
        text_config(config).pad_token_id = 0  # decoders classify the last token that is not padding
    if pair.auto_class == "AutoModelForCausalLM":
        text_config(config).is_decoder = True
    text_config(config).use_cache = False
    return config


def text_config(config: PreTrainedConfig) -> PreTrainedConfig:
    """The part about the language model; the whole of a config that has no parts."""
    return config.get_text_config(decoder=True)


def probe(pair: Pair, model: PreTrainedModel, *, seed: int = 0) -> dict[str, Tensor]:
    """Two rows. Texts: input_ids and attention_mask, (2, 12); decoder_input_ids (2, 6) where there is a decoder with an
    encoder before it. Images: pixel_values, (2, channels, height, width). And what else an architecture insists on."""
    generator = torch.Generator().manual_seed(seed)
    special = SPECIAL_PROBES.get(pair.model_type)
    if special is not None:
        return special(model.config, generator)
    if pair.auto_class == IMAGES:
        return {"pixel_values": _pixels(model.config, generator)}
    inputs = _texts(model.config, generator)
    if pair.auto_class == "AutoModelForSeq2SeqLM" and model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = _ids((len(LENGTHS), 6), generator)
    return inputs


def _texts(config: PreTrainedConfig, generator: torch.Generator) -> dict[str, Tensor]:
    ids = _ids((len(LENGTHS), max(LENGTHS)), generator)
    attention_mask = (torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]).long()
    end = _token(config, "eos")
    if end is not None:  # BART classifies the last token, which must be this one
        ids[range(len(LENGTHS)), [length - 1 for length in LENGTHS]] = end
    ids = torch.where(attention_mask.bool(), ids, _token(config, "pad") or 0)
    return {"input_ids": ids, "attention_mask": attention_mask}


def _ids(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Tokens that are words, not special."""
    return torch.randint(HIGHEST_KEPT_TOKEN, FIRST_MOVED_TOKEN, shape, generator=generator)


def _token(config: PreTrainedConfig, name: str) -> int | None:
    """Id of the pad or eos token, the first where there are several; None: the architecture knows none."""
    token = getattr(text_config(config), f"{name}_token_id", None)
    return token[0] if isinstance(token, list) else token


def _pixels(config: PreTrainedConfig, generator: torch.Generator) -> Tensor:
    side = getattr(config, "image_size", IMAGE_SIDE)
    height, width = (side, side) if isinstance(side, int) else side
    return torch.randn(2, getattr(config, "num_channels", 3), height, width, generator=generator)


def _with_boxes(config: PreTrainedConfig, generator: torch.Generator) -> dict[str, Tensor]:
    inputs = _texts(config, generator)
    boxes = torch.tensor([1, 2, 3, 4]).expand(*inputs["input_ids"].shape, 4)
    return {**inputs, "bbox": boxes / 10 if config.model_type == "bros" else boxes}


def _patches(config: PreTrainedConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """Images of 4 × 4 patches, cut beforehand."""
    width = config.vision_config.num_channels * config.vision_config.patch_size**2
    return {
        "pixel_values": torch.randn(2, 16, width, generator=generator),
        "pixel_attention_mask": torch.ones(2, 16, dtype=torch.long),
        "spatial_shapes": torch.full((2, 2), 4),
    }


def _colours(config: PreTrainedConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """Images as sequences of colour clusters."""
    return {"input_ids": _ids((2, 16), generator)}


def _codebooks(config: PreTrainedConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """Music: one sequence of codes for each row and codebook."""
    return {"input_ids": _ids((2 * text_config(config).num_codebooks, 12), generator)}


def _speech(config: PreTrainedConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """As many frames of sound as the tokens stand for."""
    inputs = _texts(config, generator)
    frames = inputs["input_ids"].shape[1] * config.audio_length_per_tok
    sound = torch.randn(len(LENGTHS), config.audio_config.num_mel_bins, frames, generator=generator)
    return {**inputs, "input_features": sound}


SPECIAL_PROBES = {
    "voxtral_realtime": _speech,
    "bros": _with_boxes,
    "layoutlmv3": _with_boxes,
    "siglip2": _patches,
    "imagegpt": _colours,
    "shieldgemma2": _texts,
    "musicgen": _codebooks,
    "musicgen_melody": _codebooks,
}


def _make_every_layer_matter(model: PreTrainedModel) -> None:
    """Weights that start at zero, or so small that a branch is lost in rounding, would hide what dropout does."""
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn_like(parameter)
            if parameter.ndim > 1:
                parameter.copy_(noise / math.sqrt(parameter[0].numel()))
            else:
                parameter.add_(0.1 * noise)
