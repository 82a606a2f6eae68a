"""Is there room for this run? Asked before the first step, not found out at the first save."""

from __future__ import annotations

import shutil

from regtune.errors import EnvironmentFault
from regtune.run import Run
from regtune.training.checkpoints import KEPT_LATEST
from regtune.training.setup import Setup

BYTES_PER_PARAMETER = 4  # float32
COPIES_PER_CHECKPOINT = 3  # weights and AdamW's two moments
MARGIN = 1.1  # tokenizer, history, report


def check_disk(run: Run, setup: Setup) -> None:
    """Raise EnvironmentFault when checkpoints and best/ cannot fit on the disk of the run folder."""
    trained = setup.capacity.trained
    checkpoints = KEPT_LATEST + 2  # the best one, and the one being written
    parameters = checkpoints * COPIES_PER_CHECKPOINT * trained.trainable_parameters + trained.all_parameters
    needed = MARGIN * BYTES_PER_PARAMETER * parameters
    free = shutil.disk_usage(run.path).free
    if free < needed:
        raise EnvironmentFault(
            f"output: {run.path} has {free / 1e6:,.0f} MB free, this run needs up to {needed / 1e6:,.0f} MB "
            f"for checkpoints of {trained.trainable_parameters / 1e6:,.1f} M parameters and the model",
            hint="free some space, or choose another disk with output=…",
        )
