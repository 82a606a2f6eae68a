"""What a config field's name does not tell: sizes that must fit each other in one architecture only.

By model type, for the config classes of whole models and of their parts alike. `text_config: {…}` is for that part.
"""

from __future__ import annotations

from typing import Any

KINDS = ["linear_attention", "full_attention"]
ROPE = {"rope_type": "default", "rope_theta": 10000.0}
SWIN = {"embed_dim": 16, "num_heads": (2, 4, 4), "depths": (2, 2, 1), "window_size": 4, "patch_size": 2}
INDEXER = {"n_heads": 2, "kv_heads": 1, "head_dim": 8, "budget": 4, "compress_ratio": 2}
QWEN4_TEXT = {
    **{f"indexer_{name}": value for name, value in INDEXER.items()},
    "layer_types": ["linear_attention", "indexed_attention"],
    "rope_parameters": {**ROPE, "partial_rotary_factor": 0.5, "mrope_section": [1, 1, 0]},
}
DOTS3_TEXT = {
    "layer_types": ["indexed_attention", "sliding_attention"],
    "sliding_window": 4,
    "head_dim": 16,
    "num_key_value_heads": 4,
    "swa_num_attention_heads": 4,
    "swa_num_key_value_heads": 4,
    "swa_q_lora_rank": 16,
    "swa_kv_lora_rank": 16,
    "swa_head_dim": 16,
    "swa_qk_nope_head_dim": 8,
    "swa_v_head_dim": 8,
}

OVERRIDES: dict[str, dict[str, Any]] = {
    "blt": {"encoder_hash_byte_group_vocab": 160, "encoder_hash_byte_group_size": [2, 3]},  # the default sees 8 bytes
    "bros": {"hidden_size": 64, "head_dim": 16},
    "bamba": {"attn_layer_indices": [1]},
    "cohere_compass_text": {
        "layer_types": ["sliding_attention", "full_attention"],
        "rope_parameters": {"sliding_attention": {**ROPE, "mrope_section": [2, 1, 1]}, "full_attention": None},
    },
    "cvt": {"depth": (1, 2, 3), "embed_dim": (8, 24, 48)},
    "deepseek_v2": {"num_experts_per_tok": 2, "n_routed_experts": 4},
    "donut-swin": SWIN,
    "dots3_note_text": DOTS3_TEXT,
    "dots3_note_vision_encoder": {"mlp_layer_types": ["dense", "sparse"], "adapter_in_dim": 32, "adapter_out_dim": 32},
    "dots3_note_audio_encoder": {"adapter_input_size": 32, "adapter_out_dim": 32},
    "dots1": {"n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2},
    "efficientnet": {
        "image_size": 64,
        "width_coefficient": 1.0,
        "depth_coefficient": 1.0,
        "in_channels": (32, 8, 8, 16),
        "out_channels": (8, 8, 16, 16),
        "kernel_sizes": (3, 3, 5, 3),
        "strides": (1, 2, 2, 1),
        "num_block_repeats": (1, 1, 2, 1),
        "expand_ratios": (1, 2, 2, 2),
        "hidden_dim": 1280,
    },
    "esm": {"vocab_size": 160},
    "esmc": {"vocab_size": 160},
    "focalnet": {"embed_dim": 16},
    "cwm": {"eos_token_id": [3]},
    "gemma3n_text": {"num_kv_shared_layers": 0},
    "gemma4_assistant": {"text_config": {"hidden_size_per_layer_input": 0}, "backbone_hidden_size": 32},
    "gemma4_unified_text": {"num_kv_shared_layers": 0},
    "glm": {"eos_token_id": [3]},
    "glm4": {"eos_token_id": [3]},
    "gemma4_text": {"num_kv_shared_layers": 0},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "granitemoehybrid": {"layer_types": KINDS},
    "hgnet_v2": {
        "embedding_size": 8,
        "depths": (1, 2),
        "hidden_sizes": (16, 32),
        "stem_channels": (3, 8, 8),
        "stage_in_channels": (8, 16),
        "stage_mid_channels": (8, 8),
        "stage_out_channels": (16, 32),
        "stage_num_blocks": (1, 2),
        "stage_downsample": (False, True),
        "stage_downsample_strides": (2, 2),
        "stage_light_block": (False, True),
        "stage_kernel_size": (3, 5),
        "stage_numb_of_layers": (2, 2),
    },
    "hiera": {"embed_dim": 16, "image_size": (64, 64), "num_heads": (1, 2, 4, 8), "depths": (1, 2, 1, 1)},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "layoutlmv3": {"coordinate_size": 6, "shape_size": 4, "visual_embed": False},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "lilt": {"hidden_size": 48, "num_attention_heads": 4},
    "levit": {"image_size": 64, "patch_size": 16},
    "longcat_flash": {"expert_ffn_hidden_size": 32, "n_routed_experts": 4, "zero_expert_num": 2, "moe_topk": 2},
    "mamba2": {"num_heads": 8},
    "mobilenet_v1": {"depth_multiplier": 0.25},
    "mobilenet_v2": {"depth_multiplier": 0.25},
    "mobilevitv2": {"image_size": 64, "width_multiplier": 0.25},
    "nemotron": {"num_key_value_heads": 2},
    "perceiver": {"num_self_attends_per_block": 2, "num_latents": 12, "num_blocks": 1},
    "phi4_multimodal": {"eos_token_id": [3]},
    "pvt": {"image_size": 64, "hidden_sizes": (8, 16, 24, 32), "num_attention_heads": (1, 2, 3, 4)},
    "poolformer": {"hidden_sizes": (8, 16, 24, 32)},
    "qwen4_exp_text": QWEN4_TEXT,
    "recurrent_gemma": {"block_types": ("recurrent", "attention")},
    "reformer": {
        "attn_layers": ("local", "lsh"),
        "axial_pos_shape": (3, 4),
        "axial_pos_embds_dim": (16, 16),
        "num_buckets": 2,
        "is_decoder": False,
    },
    "shieldgemma2": {"yes_token_index": 30, "no_token_index": 31},
    "swiftformer": {"embed_dims": (8, 8, 16, 16)},
    "swin": SWIN,
    "swinv2": SWIN,
    "t5": {"decoder_start_token_id": 0},
    "textnet": {
        "image_size": (64, 64),
        "stem_out_channels": 8,
        "hidden_sizes": (8, 8, 16, 16, 32),
        "conv_layer_kernel_sizes": [[[3, 3], [3, 3]], [[3, 3]], [[3, 1]], [[3, 3]]],
        "conv_layer_strides": [[1, 2], [2], [2], [2]],
    },
    "vibevoice_acoustic_tokenizer_encoder": {"num_filters": 4, "depths": (1, 1, 1, 1, 1, 1, 1)},
    "xlstm": {"chunk_size": 12, "qk_dim_factor": 1.0},
    "xmod": {"default_language": "en_XX"},
    "zamba": {"layers_block_type": ["linear_attention", "hybrid"] * 2, "num_hidden_layers": 4, "n_mamba_heads": 2},
    "zamba2": {"layers_block_type": ["linear_attention", "hybrid"], "num_hidden_layers": 2, "attention_head_dim": 16},
}
