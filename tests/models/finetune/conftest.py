"""Small models with a head, and without, built from configs with three layers; rows of uneven length for them."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor
from transformers import AutoConfig, PreTrainedModel

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "vocab_size": 64,
    "num_labels": 3,
}
TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
LLAMA = {**SIZES, **TOKENS, "num_key_value_heads": 1}
T5 = {
    "d_model": 16,
    "d_kv": 8,
    "d_ff": 24,
    "num_layers": 2,
    "num_decoder_layers": 3,
    "num_heads": 2,
    "vocab_size": 64,
    "num_labels": 3,
    "decoder_start_token_id": 0,
    "pad_token_id": 0,
    "eos_token_id": 2,
}
SMALL_IMAGE = {"image_size": 16, "patch_size": 8}
MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bert": ("SequenceClassification", "bert", SIZES),
    "roberta": ("SequenceClassification", "roberta", SIZES),
    "llama": ("SequenceClassification", "llama", LLAMA),
    "t5": ("SequenceClassification", "t5", T5),
    "bert-tokens": ("TokenClassification", "bert", SIZES),
    "vit": ("ImageClassification", "vit", {**SIZES, **SMALL_IMAGE}),
    "llama-lm": ("CausalLM", "llama", LLAMA),
    "t5-lm": ("Seq2SeqLM", "t5", T5),
    "xlm": (
        "SequenceClassification",
        "xlm",
        {"emb_dim": 16, "n_layers": 3, "n_heads": 2, "n_words": 64, "vocab_size": 64, "num_labels": 3, "pad_index": 0},
    ),
    "xlnet": (
        "SequenceClassification",
        "xlnet",
        {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 24, "vocab_size": 64, "num_labels": 3, **TOKENS},
    ),
}

Row = dict[str, Any]
Rows = Callable[[str], list[Row]]
MakeModel = Callable[..., PreTrainedModel]


@pytest.fixture
def make_model() -> MakeModel:
    """make_model("bert", hidden_dropout_prob=0.0): equal calls give equal weights. In evaluation mode."""

    def make(name: str, **fields: Any) -> PreTrainedModel:
        auto, architecture, sizes = MODELS[name]
        torch.manual_seed(0)
        config = AutoConfig.for_model(architecture, **{**sizes, **fields})
        model = getattr(transformers, f"AutoModelFor{auto}").from_config(config)
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.1)
        return model.eval()

    return make


@pytest.fixture
def make_rows() -> Rows:
    """40 rows as a model of that name takes them, labels included."""

    def make(name: str) -> list[Row]:
        generator = torch.Generator().manual_seed(1)
        rows: list[Row] = []
        for index in range(40):
            if name == "vit":
                rows.append({"pixel_values": torch.randn(3, 16, 16, generator=generator), "labels": index % 3})
                continue
            ids = [*torch.randint(5, 64, (3 + index * 7 % 9,), generator=generator).tolist(), 2]
            rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": index % 3})
            if name == "t5-lm":
                rows[-1]["decoder_input_ids"] = ids
        return rows

    return make


@pytest.fixture
def collate() -> Callable[[Sequence[Row]], dict[str, Tensor]]:
    """Rows to a batch, padded on the right with 0."""

    def pad(rows: Sequence[Row]) -> dict[str, Tensor]:
        batch: dict[str, Tensor] = {}
        for name, first in rows[0].items():
            values = [row[name] for row in rows]
            if isinstance(first, list):
                longest = max(len(value) for value in values)
                values = [value + [0] * (longest - len(value)) for value in values]
            batch[name] = torch.stack(values) if isinstance(first, Tensor) else torch.tensor(values)
        return batch

    return pad
