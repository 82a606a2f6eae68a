"""What both language tasks do: labels are token ids, and an answer is written token by token, greedily."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from regtune.tasks.base import IGNORED, Batch


def kept_units(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(logits (units, vocabulary), labels (units,), rows (units,)) of the positions that are not ignored."""
    kept = labels != IGNORED  # (rows, tokens)
    return logits[kept].float(), labels[kept], kept.nonzero()[:, 0]


def write_greedily(model: PreTrainedModel, batch: Batch, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """The model's most probable continuation, or translation, of each row, without special tokens.

    batch: inputs for `generate`. How much is written at most is the model's own `generation_config.max_new_tokens`,
    which `limit_writing` sets and which is saved with the model.
    """
    generate: Any = model.generate
    written = generate(**batch, do_sample=False, num_beams=1)
    if not model.config.is_encoder_decoder:
        written = written[:, batch["input_ids"].shape[1] :]
    return [text.strip() for text in tokenizer.batch_decode(written, skip_special_tokens=True)]


def limit_writing(model: PreTrainedModel, *, most_tokens: int) -> None:
    """Let the model write at most so many tokens, and nothing but the most probable ones."""
    settings = model.generation_config
    assert settings is not None, "only models that can write have this task"
    settings.update(max_new_tokens=most_tokens, max_length=None, do_sample=False, num_beams=1)


def padded_left(batch: Batch) -> Batch:
    """input_ids and attention_mask with the padding moved to the front, where a continuation needs it."""
    mask = batch["attention_mask"]
    length = mask.shape[1]
    shifts = length - mask.sum(1, keepdim=True)  # (rows, 1)
    order = (torch.arange(length, device=mask.device) - shifts) % length  # (rows, length)
    return {name: batch[name].gather(1, order) for name in ("input_ids", "attention_mask")}
