"""A model name to a model, its processor (tokenizer or image processor), and what in it is new.

    tiny                  built from scratch                (tiny.py)
    minilm                a Python package, no hub          (minilm.py)
    ./folder, a/b/c, …    what `save_pretrained` wrote      (folder.py)
    name, owner/name      the hub, or its cache             (hub.py)

Everything but `tiny` ends as a local folder that is loaded without network: safetensors only, no code from the folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

from regtune.errors import ConfigError, EnvironmentFault
from regtune.models.folder import check_weights_format, is_path, local_folder
from regtune.models.hub import fetch_from_hub
from regtune.models.minilm import PACKAGE, minilm_folder
from regtune.models.processor import load_processor
from regtune.models.quiet import quiet_transformers
from regtune.models.tiny import TINY
from regtune.network import first_line
from regtune.tasks.base import Processor, Task


@dataclass(frozen=True)
class LoadedModel:
    """Ready to train: on the CPU, float32, processor and model fitting each other."""

    model: PreTrainedModel
    processor: Processor
    source: str  # where the weights are from, for people
    new_parameters: tuple[str, ...]  # names of the parameters that hold fresh random values


def load_model(
    name: str,
    *,
    task: Task,
    label_names: tuple[str, ...],
    texts: Sequence[str],
    max_length: int,
    seed: int,
) -> LoadedModel:
    """Load or build the model `name` for the task, with one output per label name.

    texts: training texts, the vocabulary of `tiny`. max_length: tokens the model must take. seed: of every new
    parameter; the global random state is left as it was. Raises EnvironmentFault when the model cannot be had or is
    not what it says, ConfigError when max_length is beyond its positions.
    """
    head = task.head_fields(label_names)
    if name == "tiny":
        with _seeded(seed):
            loaded = _build_tiny(task, head, texts, max_length)
    else:
        folder, source = _find(name)  # a download shows its progress bar, so it is outside of the quiet part
        with quiet_transformers(), _seeded(seed):
            loaded = _load_folder(folder, name, source, task, head)
    if not task.reads_images:
        _complete_padding(loaded, name)
        _check_vocabulary(loaded, name)
        _check_positions(loaded.model, name, max_length)
    task.check_model(loaded.model, loaded.processor, name=name)
    return loaded


def _build_tiny(task: Task, head: dict[str, Any], texts: Sequence[str], max_length: int) -> LoadedModel:
    config, processor = TINY[task.auto_class](texts, max_length, head)
    model = getattr(transformers, task.auto_class).from_config(config)
    return LoadedModel(model, processor, "built from scratch", tuple(name for name, _ in model.named_parameters()))


def _find(name: str) -> tuple[Path, str]:
    """The local folder of a pretrained model, fetched if need be, and its source for people."""
    if name == "minilm":
        return minilm_folder(), f"Python package {PACKAGE}, SHA-256 checked"
    if is_path(name):
        return local_folder(name), f"folder {name}"
    folder = fetch_from_hub(name)
    check_weights_format(folder, name=name)
    return folder, f"hub {name}, revision {folder.name}"


def _load_folder(folder: Path, name: str, source: str, task: Task, head: dict[str, Any]) -> LoadedModel:
    try:
        model, info = getattr(transformers, task.auto_class).from_pretrained(
            folder,
            **head,
            trust_remote_code=False,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,  # a head for other classes is replaced; anything else: _check_body
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, ImportError, StrictDataclassError, SafetensorError) as error:
        raise EnvironmentFault(
            f"model: {name} cannot be loaded for {task.name} ({first_line(error)})",
            hint="only safetensors weights of architectures that transformers itself knows are loaded, no remote code",
        ) from None
    mismatched = {parameter for parameter, *_ in info["mismatched_keys"]}
    _check_body(model, name, missing=info["missing_keys"], mismatched=mismatched)
    new_parameters = tuple(sorted(info["missing_keys"] | mismatched))
    return LoadedModel(model, _load_processor(folder, name, task), source, new_parameters)


def _load_processor(folder: Path, name: str, task: Task) -> Processor:
    kind = "image processor" if task.reads_images else "tokenizer"
    problem = ""
    try:
        processor = load_processor(folder, task)
    except (OSError, ValueError, KeyError, ImportError) as error:
        problem = first_line(error)
    else:
        # Without its files the library makes up a tokenizer that knows no word, and says nothing.
        files = set() if task.reads_images else {"tokenizer.json", *processor.vocab_files_names.values()}
        if files and not any((folder / file).is_file() for file in files):
            problem = f"the folder has none of {', '.join(sorted(files))}"
    if problem:
        raise EnvironmentFault(
            f"model: the {kind} of {name} cannot be loaded ({problem})",
            hint=f"put the files of the {kind} into the model's folder, with its own `save_pretrained`",
        )
    return processor


def _check_body(model: PreTrainedModel, name: str, *, missing: set[str], mismatched: set[str]) -> None:
    """Raise EnvironmentFault when weights do not fit their config: training would start from noise unnoticed."""
    prefix = model.base_model_prefix + "."
    body = {parameter for parameter, _ in model.named_parameters() if parameter.startswith(prefix)}
    if body & mismatched or (body and body <= missing):
        wrong = len(body & (missing | mismatched))
        raise EnvironmentFault(
            f"model: weights and config.json of {name} do not belong together: "
            f"{wrong} of {len(body)} pretrained tensors are missing or have another shape",
            hint="save the model again with `save_pretrained`, which writes both",
        )


def _complete_padding(loaded: LoadedModel, name: str) -> None:
    """Batches need a padding token; models made for generation often have only an end token, which serves as well."""
    tokenizer, config = loaded.processor, loaded.model.config
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise EnvironmentFault(
                f"model: the tokenizer of {name} has neither a padding nor an end token, so rows cannot be batched",
                hint="choose a model made for text classification, e.g. `model: minilm`",
            )
        tokenizer.pad_token = tokenizer.eos_token
    if config.pad_token_id is None:
        config.pad_token_id = tokenizer.pad_token_id


def _check_vocabulary(loaded: LoadedModel, name: str) -> None:
    largest = max(loaded.processor.get_vocab().values())
    rows = next(loaded.model.get_input_embeddings().parameters()).shape[0]
    if largest >= rows:
        raise EnvironmentFault(
            f"model: tokenizer and weights of {name} do not belong together: token ids go up to {largest}, "
            f"the embedding has {rows} rows",
            hint="put the tokenizer that was saved with the model into its folder",
        )


def _check_positions(model: PreTrainedModel, name: str, max_length: int) -> None:
    limit = position_limit(model)
    if limit is not None and max_length > limit:
        raise ConfigError(
            f"data.max_length: {max_length} is more than the {limit} positions of the model {name}",
            hint=f"data.max_length={limit} or less",
        )


def position_limit(model: PreTrainedModel) -> int | None:
    """The longest input in tokens, or None where the config names no limit.

    The RoBERTa family numbers positions from its padding index + 1, so 514 table rows hold 512 positions.
    """
    config: PretrainedConfig = model.config
    limit: int | None = getattr(config, "max_position_embeddings", None)  # architectures without positions lack it
    tables = [
        module
        for path, module in model.named_modules()
        if path.endswith("position_embeddings") and isinstance(module, nn.Embedding)
    ]
    if limit is None or not tables or tables[0].padding_idx is None:
        return limit
    return tables[0].num_embeddings - tables[0].padding_idx - 1


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Draw new parameters from `seed`. They are drawn on the CPU; the GPU's generators are not touched."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
