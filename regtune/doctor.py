"""The checks of `regtune doctor`, as plain values."""

from __future__ import annotations

import importlib.metadata
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from regtune import api
from regtune.config import parse_config
from regtune.errors import EnvironmentFault, RegtuneError

SELF_TEST = """
model: tiny
data: {train: "demo:support", validation: 0.2, test: 0.1, max_length: 16}
training: {epochs: 1, batch_size: 64, device: cpu}
"""


@dataclass(frozen=True)
class Check:
    """One line of the doctor's report."""

    name: str
    found: str
    passed: bool = True


def examine() -> Iterator[Check]:
    """Run the checks one after another; slow ones come last."""
    import platform

    import torch

    from regtune.training.devices import describe_device

    yield Check("python", platform.python_version())
    for package in ("regtune", "torch", "transformers", "accelerate"):
        yield Check(package, importlib.metadata.version(package))
    yield Check("device", describe_device(torch.device("cuda" if torch.cuda.is_available() else "cpu")))
    yield _minilm()
    yield _self_test()


def _minilm() -> Check:
    from regtune.models.minilm import minilm_folder

    try:
        return Check("minilm", f"weights intact in {minilm_folder()}")
    except EnvironmentFault as fault:
        # Passed all the same: it is an extra, models from a hub or a folder work without it.
        return Check("minilm", f"not available ({fault}); {fault.hint}")


def _self_test() -> Check:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        config = parse_config(SELF_TEST, name="self-test", overrides=[f"output={Path(folder) / 'run'}"])
        try:
            run = api.train(config, config_name="self-test")
        except RegtuneError as error:
            return Check("self-test", f"{error}", passed=False)
        restored = run.facts["restored_equal"]
    seconds = time.monotonic() - started
    return Check("self-test", f"trained, restored and reported offline in {seconds:.1f} s", passed=restored)
