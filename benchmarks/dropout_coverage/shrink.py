"""Make any model's config very small: what a field sizes is read off its name, and its default off its class.

The sizes fit each other: 4 heads of 8 make a width of 32, a state-space layer of twice that has 8 heads of 8. What a
name does not say, `overrides` does.
"""

from __future__ import annotations

import copy
import dataclasses
import math
import re
from typing import Any

from huggingface_hub.errors import StrictDataclassClassValidationError
from transformers import PreTrainedConfig

from benchmarks.dropout_coverage.overrides import OVERRIDES

VOCABULARY = 160
HIGHEST_KEPT_TOKEN = 20  # a special token's id below this stays; the others come after the content's ids
FIRST_MOVED_TOKEN = 120
IMAGE_SIDE = 32  # pixels
HEADS, HEAD_WIDTH = 4, 8
QUERY_HEADS = re.compile(r"(num_attention|linear_num_value)_heads")
KEY_HEADS = re.compile(r"num_(key_value|kv|key)_heads|(swa|linear)_num_key(_value)?_heads")

# Name pattern → value, for numbers larger than the value; the first that fits the whole name counts.
SIZES: tuple[tuple[str, int], ...] = (
    (r".*(vocab|ngram_vocab).*size.*|.*vocab_size", VOCABULARY),
    (r"type_vocab_size|task_type_vocab_size", 4),
    (r"mamba_(n_heads|num_heads)|n_mamba_heads", 8),
    (r".*(num_)?(attention_)?heads?|n_heads?|.*_n_heads|linear_num_value_heads|num_heads|n_head", 4),
    (r".*head_(dim|size)|d_head|d_kv|dim_head|kv_channels|attention_head_size|linear_head_dim|mamba_d_head", 8),
    (r"(q|kv|o|hc)_?lora_?rank|.*_rank|hc_lowrank", 16),
    (r"rotary_dim", 4),
    (r"(ffn|d_ff|dff|d_inner|dim_ff|ff_dim|.*ffn_dim|.*ffn_hidden_size|feed_forward_size|.*intermediate_size.*)", 64),
    (r"hidden_dim", 64),
    (r"(mamba_)?d_state|state_size|ssm_state_size", 8),
    (r"mamba_d_ssm", 64),
    (r"(mamba_)?chunk_size|.*_chunk_length|index_block_size", 4),
    (r".*(hidden|embed|embedding|emb|projection|bottleneck|latent|model|coordinate|shape|proj|lm_head|channel)s?_?"
     r"(size|dim|width|channels)|n_embd|d_model|d_latents|dim|embed_dim|hidden_size.*|entity_emb_size|bottleneck.*size"
     r"|dim_model_base|stem_out_channels|.*_embed_dim|d_rel", 32),
    (r".*(num|n|encoder|decoder)_(hidden_|encoder_|decoder_|self_attention_)?layers?|num_layers|n_layers?"
     r"|.*_layers|max_window_layers", 2),
    (r".*(num|n)_.*experts?|.*num_experts|num_local_experts|expert_num", 4),
    (r".*experts_per_tok|.*top_?k|moe_k", 2),
    (r"n_groups?|num_groups|topk_group|mamba_n_?groups", 1),
    (r"first_k_dense_replace|num_dense_layers|moe_layer_start_index", 1),
    (r".*(sliding_)?window(_size)?|local_attention|index_topk.*", 4),
    (r".*position(al)?_?embeddings.*|n_positions|n_ctx|max_seq_len|max_(source|target)_positions|context_length", 64),
    (r"image_size|input_size", IMAGE_SIDE),
    (r"patch_size", 8),
    (r"num_labels", 3),
)  # fmt: skip
TOKEN = re.compile(r".*(token_id|token_index|_index|pad_id)s?")
OTHER_NOISE = re.compile(r".*(drop_path_rate|layerdrop|jitter).*")  # skips layers, shakes routers: not dropout
STAGE_WIDTHS = re.compile(r".*(hidden_sizes|embed_dims?|channels|num_heads|key_dim)")
LAYERS = re.compile(r"(num_hidden_|num_|n_|decoder_)layers?")


def shrink(config_class: type[PreTrainedConfig], **given: Any) -> PreTrainedConfig:
    """A config of the class, two layers deep or one for each kind of layer, about 32 wide.

    given: values that are taken as they are. Raises what the class raises for values that do not fit each other.
    """
    kwargs: dict[str, Any] = {}
    special = SpecialTokens()
    inherited = {field.name for field in dataclasses.fields(PreTrainedConfig)}
    for field in dataclasses.fields(config_class):
        is_token = TOKEN.fullmatch(field.name) is not None
        if field.name in inherited and not is_token:
            continue
        value = _default(field)
        smaller = special.move(value) if is_token else small(field.name, value)
        if field.name == "head_dim":
            smaller = HEAD_WIDTH
        if smaller != value:
            kwargs[field.name] = smaller
    kwargs.update(_shared_key_heads(config_class))
    kwargs.update(copy.deepcopy({**OVERRIDES.get(config_class.model_type, {}), **given}))
    kwargs.update(_shrunk_parts(config_class, kwargs))
    return _with_every_kind_of_layer(config_class, kwargs)


def small(name: str, value: Any) -> Any:
    """The value a field of this name and default gets."""
    if OTHER_NOISE.fullmatch(name) and value:
        return [0.0] * len(value) if isinstance(value, tuple | list) else 0.0
    if isinstance(value, bool) or not value:
        return value
    if isinstance(value, int):
        return next((min(value, size) for pattern, size in SIZES if re.fullmatch(pattern, name)), value)
    if isinstance(value, tuple | list) and all(type(item) is int for item in value):
        return type(value)(_small_stages(name, list(value)))
    return value


def _small_stages(name: str, values: list[int]) -> list[int]:
    """One value a stage: depths at most 2; widths and head counts keep their proportions."""
    if name.startswith("depth") or name in {"num_block_repeats", "layer_depths"}:
        return [min(value, 2) for value in values]
    if STAGE_WIDTHS.fullmatch(name):
        unit = 1 if "heads" in name else 8
        divisor = math.gcd(*values)
        return [value // divisor * unit for value in values]
    return values


class SpecialTokens:
    """Ids of special tokens, moved into the small vocabulary and kept apart from each other."""

    def __init__(self) -> None:
        self.next = FIRST_MOVED_TOKEN

    def move(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(self.move(item) for item in value)
        if not isinstance(value, int) or value < HIGHEST_KEPT_TOKEN:
            return value
        self.next += 1
        return self.next


def _shared_key_heads(config_class: type[PreTrainedConfig]) -> dict[str, int]:
    """Two heads of queries share a head of keys where the default model does so."""
    defaults = {field.name: _default(field) for field in dataclasses.fields(config_class)}
    queries = [value for name, value in defaults.items() if QUERY_HEADS.fullmatch(name)]
    names = [name for name, value in defaults.items() if KEY_HEADS.fullmatch(name) and isinstance(value, int)]
    return {name: HEADS // 2 if defaults[name] not in queries else HEADS for name in names}


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else None


def _shrunk_parts(config_class: type[PreTrainedConfig], given: dict[str, Any]) -> dict[str, PreTrainedConfig]:
    """Configs inside the config: of the text model, the vision tower, …"""
    if not config_class.sub_configs:
        return {}
    parts = {name: part for name, part in vars(_plain(config_class)).items() if name in config_class.sub_configs}
    return {
        name: shrink(type(part), **given.get(name, {}))
        for name, part in parts.items()
        if isinstance(part, PreTrainedConfig)
    }


def _plain(config_class: type[PreTrainedConfig]) -> PreTrainedConfig:
    """The default config; with what the class insists on, where its defaults contradict each other."""
    given = OVERRIDES.get(config_class.model_type, {})
    try:
        return config_class()
    except StrictDataclassClassValidationError:
        return config_class(**copy.deepcopy(given))


def _with_every_kind_of_layer(config_class: type[PreTrainedConfig], kwargs: dict[str, Any]) -> PreTrainedConfig:
    """Where the default model mixes kinds of layers (`layer_types`), the small one has one of each."""
    fields = {field.name for field in dataclasses.fields(config_class)}
    kinds = config_class().layer_types if "layer_types" in fields - set(kwargs) else None
    depth = next((name for name in kwargs if LAYERS.fullmatch(name)), None)
    if not kinds or depth is None:
        return config_class(**kwargs)
    kinds = list(dict.fromkeys(kinds))
    kinds += kinds[: max(0, 2 - len(kinds))]
    return config_class(**{**kwargs, "layer_types": kinds, depth: len(kinds)})
