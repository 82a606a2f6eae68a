"""Model folders on this machine: which names are paths, and what a folder must hold."""

from __future__ import annotations

import json
import os
from pathlib import Path

from regtune.errors import EnvironmentFault

WEIGHTS = "model.safetensors"
SHARD_INDEX = "model.safetensors.index.json"


def is_path(name: str) -> bool:
    """Whether a model name means a folder, not a hub id: `./x`, `/x`, `~/x`, `a/b/c`, or a folder that exists."""
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or os.path.isdir(name)


def local_folder(name: str) -> Path:
    """The folder a path-like name means. Raises EnvironmentFault when it is not there or is no model folder."""
    folder = Path(name).expanduser()
    if not folder.exists():
        parent = next(parent for parent in folder.absolute().parents if parent.is_dir())
        raise EnvironmentFault(
            f"model: {name} does not exist; the nearest folder that does is {parent}",
            hint="check the path; a hub id is `name` or `owner/name`",
        )
    if not (folder / "config.json").is_file():
        raise EnvironmentFault(
            f"model: {name} is not a model folder, it has no config.json",
            hint="a model folder is what `save_pretrained` writes, e.g. best/ of a run",
        )
    check_weights_format(folder, name=name)
    return folder


def check_weights_format(folder: Path, *, name: str) -> None:
    """Raise EnvironmentFault unless the folder has its weights as safetensors, all shards of them."""
    if not has_weights(folder):
        others = sorted(path.name for path in folder.glob("*.bin"))
        found = f"it has {', '.join(others)}" if others else "it has none"
        raise EnvironmentFault(
            f"model: {name} has no complete safetensors weights ({found}); only safetensors are loaded, "
            "because loading pickled weights can run code",
            hint="convert it where you trust it: load it with transformers and call `save_pretrained`",
        )


def has_weights(folder: Path) -> bool:
    """Whether the safetensors file, or every shard that the index names, is there."""
    if (folder / WEIGHTS).is_file():
        return True
    try:
        shards = json.loads((folder / SHARD_INDEX).read_text("utf-8"))["weight_map"].values()
    except (OSError, ValueError, KeyError):
        return False
    return all((folder / shard).is_file() for shard in shards)
