"""The end of a run: best weights back and measured again, test split scored once, everything written."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable

from regtune.errors import RegtuneError
from regtune.evaluation.predictions import write_scored_rows
from regtune.evaluation.results import Results, score
from regtune.history import Evaluation, History
from regtune.models.finetune import restore_trained
from regtune.models.quiet import quiet_transformers
from regtune.run import Run, Status
from regtune.training.capacity import merge_updates, save_model
from regtune.training.checkpoints import CheckpointStore
from regtune.training.processes import Processes
from regtune.training.setup import Setup

# The restored weights are the saved ones bit for bit; on a GPU the same forward pass may still round differently.
RESTORED_TOLERANCE = 1e-4  # relative, of the clean validation loss


def finish(
    run: Run,
    setup: Setup,
    history: History,
    store: CheckpointStore,
    processes: Processes,
    *,
    status: Status = "completed",
    poll: Callable[[], None] | None = None,
) -> None:
    """Restore, measure, export. After a kill it is done again from the checkpoints: "completed" is written last.

    A diverged run gets its best weights exported, but the test split stays untouched. poll: see `Scorer.logits`.
    """
    best = history.best
    assert best is not None, "a first evaluation with a finite value is always a best one"
    with processes.agreed():
        if processes.is_first:
            restore_trained(setup.loaded.model, store.at(best.step).tensors("model"))
    processes.copy_first([*setup.loaded.model.parameters(), *setup.loaded.model.buffers()])
    validation = score(setup.scorer, setup.validation, baseline=setup.baseline, poll=poll)
    check_restored(best, validation)
    restored_loss = validation.loss
    if merge_updates(setup.capacity):  # adding LoRA's updates into the weights rounds: what is saved is measured anew
        validation = score(setup.scorer, setup.validation, baseline=setup.baseline, poll=poll)
    seed = setup.config.training.seed
    test = (
        score(setup.scorer, setup.test, threshold=validation.threshold, baseline=setup.baseline, poll=poll)
        if setup.test is not None and status == "completed"
        else None
    )
    if not processes.is_first:
        return
    export_best(run, setup)
    write_scored_rows(run.predictions_path, setup.splits.validation, validation, label_names=setup.splits.label_names)
    run.update(
        stopped_because="patience" if history.last.stops else "epochs" if status == "completed" else status,
        best={
            "step": best.step,
            "epoch": best.epoch,
            "train_loss": best.train_loss,
            "validation_loss": best.validation_loss,
            "metrics": best.metrics,
        },
        restored_equal=restored_loss == best.validation_loss,
        validation=validation.summary(seed=seed),
        threshold=validation.threshold,
        test=test.summary(seed=seed) if test is not None else None,
        duration_seconds=round(history.last.elapsed_seconds, 1),
        status=status,
    )
    if status == "completed":
        store.remove_all()


def check_restored(best: Evaluation, validation: Results) -> None:
    """The restored model must be the one the history calls best."""
    if not math.isclose(validation.loss, best.validation_loss, rel_tol=RESTORED_TOLERANCE):
        raise RegtuneError(
            f"the restored model has validation loss {validation.loss:.6f}, its evaluation at step {best.step} "
            f"recorded {best.validation_loss:.6f}: please report this"
        )


def export_best(run: Run, setup: Setup) -> None:
    """Write best/ beside its place and swap it in."""
    stage = run.path / f".stage-best-{os.getpid()}"
    shutil.rmtree(stage, ignore_errors=True)
    with quiet_transformers():
        save_model(setup.loaded, setup.capacity, stage)
        setup.loaded.processor.save_pretrained(stage)
    umask = os.umask(0)
    os.umask(umask)
    for path in stage.iterdir():
        path.chmod(0o666 & ~umask)  # as any file the user makes; safetensors lets nobody else read
    shutil.rmtree(run.best_path, ignore_errors=True)
    os.rename(stage, run.best_path)
