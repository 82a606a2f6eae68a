"""Small models of every architecture that dropout must reach, built from configs, two layers each."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "vocab_size": 64,
    "num_labels": 3,
}
RELATIVE = {
    **SIZES,
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "norm_rel_ebd": "layer_norm",
    "position_biased_input": False,
    "position_buckets": 8,
    "share_att_key": True,
}
TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
DECODER_TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
ENCODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("bert", SIZES),
    "roberta": ("roberta", SIZES),
    "distilbert": (
        "distilbert",
        {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 48, "vocab_size": 64, "num_labels": 3},
    ),
    "deberta": ("deberta-v2", RELATIVE),
    "deberta-convolution": ("deberta-v2", {**RELATIVE, "conv_kernel_size": 3, "embedding_size": 16}),
    "mpnet": ("mpnet", SIZES),
    "electra": ("electra", {**SIZES, "embedding_size": 16}),
    "albert": ("albert", {**SIZES, "embedding_size": 16}),
    "modernbert": ("modernbert", {**SIZES, **TOKENS}),
    "modernbert-dropout": ("modernbert", {**SIZES, **TOKENS, "attention_dropout": 0.15, "mlp_dropout": 0.25}),
}
DECODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {**SIZES, "num_key_value_heads": 1, **DECODER_TOKENS}),
    "gpt2": ("gpt2", {"n_embd": 32, "n_layer": 2, "n_head": 2, "vocab_size": 64, "num_labels": 3, **DECODER_TOKENS}),
}

Build = Callable[..., PreTrainedModel]


@pytest.fixture
def build() -> Build:
    """build("bert", attention_probs_dropout_prob=0.5): equal calls give equal weights. In eval mode."""

    def build_model(name: str, *, attn_implementation: str | None = None, **fields: Any) -> PreTrainedModel:
        architecture, sizes = {**ENCODERS, **DECODERS}[name]
        config = AutoConfig.for_model(architecture, **{**sizes, **fields})
        chosen = {} if attn_implementation is None else {"attn_implementation": attn_implementation}
        torch.manual_seed(0)
        model = AutoModelForSequenceClassification.from_config(config, **chosen)
        # Larger than the usual 0.02: what a branch adds must show in the logits.
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.3)
        return model.eval()

    return build_model


@pytest.fixture
def probe() -> dict[str, torch.Tensor]:
    """Two rows of 9 tokens, the second padded."""
    ids = torch.randint(5, 64, (2, 9), generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[1] * 9, [1] * 6 + [0] * 3])
    return {"input_ids": ids, "attention_mask": mask}


@pytest.fixture(params=ENCODERS)
def encoder_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def encoder(encoder_name: str, build: Build) -> PreTrainedModel:
    return build(encoder_name)


@pytest.fixture(params=[*ENCODERS, *DECODERS])
def any_model(request: pytest.FixtureRequest, build: Build) -> PreTrainedModel:
    return build(request.param)
