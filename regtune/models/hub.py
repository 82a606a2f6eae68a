"""Models from the Hugging Face hub: is it there, bring it here. Bounded in time, never asks on stdin.

The library waits for minutes when there is no network (https://github.com/huggingface/huggingface_hub/issues/4487).
Here a TCP connect decides first; a hub that cannot be reached, or accepts and never answers, is answered from the
cache, and without a cached copy ends in one line within 10 s: 3 s to connect + 5 s for the model's newest revision.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is not marked as exported
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
)
from huggingface_hub.utils import tqdm, validate_repo_id  # type: ignore[attr-defined]  # nor are these

from regtune.errors import ConfigError, EnvironmentFault
from regtune.models.folder import has_weights
from regtune.network import CONNECT_SECONDS, METADATA_SECONDS, first_line, is_reachable, within

# Config, tokenizer, and weights as one file or in shards.
WANTED_FILES = ["model.safetensors", "model-*-of-*.safetensors", "*.json", "*.txt", "*.model", "*.tiktoken"]
# Subfolders hold the same model in other formats (ONNX, OpenVINO, …).
UNWANTED_FILES = ["*/*"]


def fetch_from_hub(name: str) -> Path:
    """A local folder with the model `name` or `owner/name`, downloaded unless it is in the cache.

    Raises ConfigError when `name` cannot be a hub id, EnvironmentFault when the hub has no such model, asks for
    rights, or cannot be reached and the cache has no complete copy.
    """
    try:
        validate_repo_id(name)
    except HFValidationError:
        raise ConfigError(
            f"model: {name!r} is neither a folder nor a hub id (`name` or `owner/name`)",
            hint="without a hub: `model: minilm`",
        ) from None
    if constants.is_offline_mode():
        return _from_cache(name, reason="HF_HUB_OFFLINE is set")
    if not is_reachable(constants.ENDPOINT, seconds=CONNECT_SECONDS):
        return _from_cache(name, reason=f"{constants.ENDPOINT} cannot be reached")
    return _from_hub(name)


def _from_hub(name: str) -> Path:
    try:
        revision = _newest_revision(name)
        folder = huggingface_hub.snapshot_download(
            name,
            revision=revision,
            allow_patterns=WANTED_FILES,
            ignore_patterns=UNWANTED_FILES,
            tqdm_class=_TerminalBar,
        )
    except HfHubHTTPError as error:
        if error.response.status_code in _REFUSALS or isinstance(error, GatedRepoError):
            raise _refusal(name, error) from None
        return _from_cache(name, reason=f"{constants.ENDPOINT} answered with status {error.response.status_code}")
    except (HTTPError, LocalEntryNotFoundError, TimeoutError) as error:
        return _from_cache(name, reason=f"{constants.ENDPOINT} did not deliver it ({first_line(error)})")
    except OSError as error:
        raise EnvironmentFault(
            f"model: {name} cannot be stored in {constants.HF_HUB_CACHE} ({first_line(error)})",
            hint="make room or get write permission there, or choose another folder with HF_HOME",
        ) from None
    return Path(folder)


class _TerminalBar(tqdm):
    """The library's progress bar, but on a terminal only, never in a pipe or a log file."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "disable": None})  # type: ignore[no-untyped-call] # not annotated


def _newest_revision(name: str) -> str | None:
    """The commit to download, so that all files are of one version."""
    hub = huggingface_hub.HfApi()
    try:
        return within(METADATA_SECONDS, lambda: hub.model_info(name, timeout=METADATA_SECONDS)).sha
    except (ValueError, KeyError, TypeError) as error:  # e.g. the login page of a hotel network
        if isinstance(error, HfHubHTTPError):
            raise
        raise TimeoutError(f"what answers is not a hub: {first_line(error)}") from None


# Status codes that a second try or a cached copy cannot mend, and what they mean.
_REFUSALS = {
    401: "has no model {name}, or it is private",
    403: "does not give {name} to this account",
    404: "has no model {name}, or it is private",
}


def _refusal(name: str, error: HfHubHTTPError) -> EnvironmentFault:
    if isinstance(error, GatedRepoError):
        return EnvironmentFault(
            f"model: {name} is gated, {constants.ENDPOINT} gives it only to people who accepted its terms",
            hint=f"accept them at {constants.ENDPOINT}/{name}, then run `hf auth login`",
        )
    meaning = _REFUSALS[error.response.status_code].format(name=name)
    return EnvironmentFault(
        f"model: {constants.ENDPOINT} {meaning} (status {error.response.status_code})",
        hint="check the spelling; for a private model run `hf auth login`; without a hub: `model: minilm`",
    )


def _from_cache(name: str, *, reason: str) -> Path:
    """The cached copy. reason: why the hub is not asked."""
    config = huggingface_hub.try_to_load_from_cache(name, "config.json")
    if isinstance(config, str) and has_weights(Path(config).parent):
        return Path(config).parent
    raise EnvironmentFault(
        f"model: {name} is not complete in the cache {constants.HF_HUB_CACHE}, and {reason}",
        hint=f"connect and try again, or run `hf download {name}` on a connected machine and set model to that folder, "
        "or use `model: minilm`",
    )
