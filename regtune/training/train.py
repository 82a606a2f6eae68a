"""The story of a run, top to bottom.

prepare      data, model, techniques; everything that can be wrong is found here
write down   config, environment, data and split, before the first step: a crashed run can still be explained
train        the Trainer steps; the conductor evaluates, judges, saves
finish       best weights restored and measured again, test split scored once, best/ written
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from regtune.config import check_contradictions, dump_config, load_config
from regtune.config.changes import anchored
from regtune.config.schema import Config
from regtune.errors import (
    ConfigError,
    DataError,
    DivergedError,
    EnvironmentFault,
    Interrupted,
    RegtuneError,
)
from regtune.evaluation.memory import out_of_memory_named
from regtune.history import History
from regtune.models.finetune import frozen_fingerprint
from regtune.run import Run, create_run, discard, remove_leftovers, write_text
from regtune.training.checkpoints import Checkpoint, CheckpointStore
from regtune.training.conductor import Conductor, NothingLeftToDo, Progress, tell
from regtune.training.devices import describe_device, describe_environment
from regtune.training.finish import finish
from regtune.training.keeping import KeepWeights
from regtune.training.listener import Listener, Plan
from regtune.training.measure import Measure
from regtune.training.panel import effect_of
from regtune.training.preflight import check_disk
from regtune.training.processes import Processes, joined
from regtune.training.setup import Setup, prepare
from regtune.training.signals import StopRequested, StopSignals
from regtune.training.trainer import RegtuneTrainer, training_arguments


def train(
    config: Config, *, config_name: str | None = None, overrides: Sequence[str] = (), listeners: Sequence[Listener] = ()
) -> Run:
    """Train a new run and return its folder, status "completed".

    config_name, overrides: the command as typed, for the default output folder and for advice; None: trained from
    Python. listeners: of this process; with several, all of them call this, and all return the one run. Raises
    RegtuneError; when preparation fails nothing is left behind, later the folder tells in run.json how far it came.
    """
    check_contradictions(config)
    with joined(config.training) as processes:
        run = processes.new_run(lambda: create_run(config.output, config_name=Path(config_name or "run").stem))
        with run.locked():
            try:
                with processes.agreed():
                    setup = prepare_share(config, processes)
                    if processes.is_first:
                        check_disk(run, setup)
                    write_down(run, setup, processes, config_name=config_name, overrides=overrides)
            except BaseException:  # Ctrl-C included: nothing half-made is left behind
                discard(run)
                raise
            carry_out(run, setup, processes, listeners=listeners, checkpoint=None)
            return Run(processes.of_first(lambda: run.path))


def resume(run: Run, *, listeners: Sequence[Listener] = ()) -> Run:
    """Continue an interrupted run to its end; a completed one is returned as it is.

    On CPU, with the same versions, the result is bit-identical to that of a run that was never interrupted. Raises
    ConfigError when the run diverged, DataError when its data changed, EnvironmentFault when another process has it.
    """
    config = load_config(run.config_path)
    with joined(config.training) as processes:
        whole, run = run, processes.same_run(run)
        with run.locked():
            remove_leftovers(run)
            if run.status == "completed":
                CheckpointStore(run.checkpoints_path).remove_all()  # left over when the kill came right after the end
                return whole
            with processes.agreed():
                refuse_diverged(run)
                damage: list[str] = []
                checkpoint = processes.of_first(
                    lambda: CheckpointStore(whole.checkpoints_path).newest(on_damage=damage.append)
                )
                setup = prepare_share(config, processes)
                refuse_changed_data(run, setup)
                refuse_changed_model(run, setup)
                changes = [*changed_versions(run, setup), *changed_processes(checkpoint, processes)]
                run.update(notes=[*setup.notes, *damage, *changes])
            carry_out(run, setup, processes, listeners=listeners, checkpoint=checkpoint)
            return Run(processes.of_first(lambda: run.path))


def prepare_share(config: Config, processes: Processes) -> Setup:
    """The same setup in every process; each of them measures its own share of rows."""
    with memory_guard(config):
        setup = prepare(config)
    return replace(setup, scorer=replace(setup.scorer, shares=processes))


def write_down(
    run: Run, setup: Setup, processes: Processes, *, config_name: str | None, overrides: Sequence[str]
) -> None:
    """What was asked and what was found, before the first step."""
    write_text(run.config_path, dump_config(anchored(setup.config)))
    run.write_json("environment.json", {**describe_environment(setup.device), "processes": processes.count})
    run.write_json("data.json", setup.splits.facts)
    run.update(
        status="created",
        config_name=config_name,
        overrides=list(overrides),
        task=setup.task.name,
        model=setup.config.model_settings.name,
        model_source=setup.loaded.source,
        headline=setup.task.headline,
        baseline=setup.baseline,
        frozen=frozen_fingerprint(setup.loaded.model),
        notes=list(setup.notes),
    )


def carry_out(
    run: Run, setup: Setup, processes: Processes, *, listeners: Sequence[Listener], checkpoint: Checkpoint | None
) -> None:
    """Train from a checkpoint or from the start, then finish."""
    history, progress = remembered(checkpoint)
    run.write_history(history)  # what a killed process wrote after its last checkpoint is done again
    store = CheckpointStore(run.checkpoints_path)
    plan = make_plan(run, setup, processes, resumed_at_step=checkpoint.step if checkpoint else None)
    run.update(status="running", effect=plan.effect.to_dict(), plan=plan_facts(plan))
    tell(listeners, lambda listener: listener.on_start(plan))
    tell(listeners, lambda listener: listener.on_resume(history))
    signals = processes.stop_signals()
    try:
        with signals, memory_guard(setup.config):
            if not is_finished(history, setup):
                train_on(run, setup, processes, store, history, progress, KeepWeights(), listeners, checkpoint, signals)
            finish(run, setup, history, store, processes, poll=signals.poll_inside)
    except StopRequested:
        run.update(status="interrupted")
        raise interruption(run, signals, processes) from None
    except DivergedError as error:
        raise diverged(run, setup, history, store, processes, error) from None
    except RegtuneError as error:
        run.update(status="failed", error=str(error))
        raise
    finally:
        tell(listeners, lambda listener: listener.on_end())


def train_on(
    run: Run,
    setup: Setup,
    processes: Processes,
    store: CheckpointStore,
    history: History,
    progress: Progress,
    keeping: KeepWeights,
    listeners: Sequence[Listener],
    checkpoint: Checkpoint | None,
    signals: StopSignals,
) -> None:
    """Let the Trainer make the steps that are left. Adds to history; raises StopRequested once the state is saved."""
    trainer = make_trainer(run, setup, processes)
    conductor = Conductor(
        trainer=trainer,
        run=run,
        store=store,
        history=history,
        progress=progress,
        measure=Measure(setup.scorer, setup.train_sample, setup.validation, setup.baseline),
        patience=setup.techniques.patience,
        monitor=setup.config.regularization.monitor,
        due=setup.due,
        keeping=keeping,
        listeners=listeners,
        signals=signals,
    )
    trainer.add_callback(conductor)
    with contextlib.suppress(NothingLeftToDo):
        trainer.train(resume_from_checkpoint=str(checkpoint.path) if checkpoint else None)
    if conductor.interrupted:
        raise StopRequested


def interruption(run: Run, signals: StopSignals, processes: Processes) -> Interrupted:
    assert signals.number is not None
    checkpoints = processes.of_first(lambda: sorted(run.checkpoints_path.glob("step-*")))
    step = int(checkpoints[-1].name.removeprefix("step-"))
    return Interrupted(
        f"interrupted; everything up to step {step} is saved",
        signal_number=signals.number,
        hint=f"continue with `regtune train --resume {checkpoints[-1].parents[1]}`",
    )


def remembered(checkpoint: Checkpoint | None) -> tuple[History, Progress]:
    if checkpoint is None:
        return History(), Progress()
    document = checkpoint.document("regtune")
    return History.from_jsonl(document["history"]), Progress(**document["progress"])


def is_finished(history: History, setup: Setup) -> bool:
    """Whether training proper is over: early stopping fired, or the last step is evaluated."""
    return len(history) > 0 and (history.last.stops or history.last.step == setup.steps)


def make_trainer(run: Run, setup: Setup, processes: Processes) -> RegtuneTrainer:
    settings = setup.config.training
    trainer = RegtuneTrainer(
        model=setup.loaded.model,
        arguments=training_arguments(
            settings, output=run.path, steps=setup.steps, device=setup.device, report_to=settings.report_to
        ),
        rows=setup.training_rows,
        batches=setup.batches,
        collate=setup.scorer.collate,
        task=setup.task,
        regularizers=tuple(setup.techniques),
        class_weights=setup.class_weights,
        processes=processes,
    )
    processes.copy_first([*setup.loaded.model.parameters(), *setup.loaded.model.buffers()])
    processes.seed_dropout(settings.seed)  # the Trainer has just given all of them the same seed
    return trainer


def make_plan(run: Run, setup: Setup, processes: Processes, *, resumed_at_step: int | None) -> Plan:
    splits, settings = setup.splits, setup.config.training
    sizes = {"train": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)}
    return Plan(
        run_path=run.path,
        config_name=run.facts["config_name"] or str(run.config_path),
        task=setup.task.name,
        model=setup.config.model_settings.name,
        device=describe_device(setup.device) + (f", {processes.count} processes" if processes.count > 1 else ""),
        rows={name: size for name, size in sizes.items() if size},
        classes=splits.label_names,
        parameters=setup.capacity.trained.all_parameters,
        steps=setup.steps,
        steps_per_epoch=setup.steps_per_epoch,
        epochs=settings.epochs,
        evaluations=len(setup.due),
        patience=setup.config.regularization.patience,
        monitor=setup.config.regularization.monitor,
        headline=setup.task.headline,
        answer_kind=setup.task.answer_kind,
        loss_unit=setup.task.loss_unit,
        chance_loss=setup.chance_loss,
        effect=effect_of(setup),
        notes=tuple(run.facts["notes"]),
        resumed_at_step=resumed_at_step,
    )


def plan_facts(plan: Plan) -> dict[str, Any]:
    """The plan's plain values, for run.json."""
    facts = asdict(plan)
    return {key: value for key, value in facts.items() if key not in ("run_path", "effect", "notes", "resumed_at_step")}


def refuse_diverged(run: Run) -> None:
    if run.status == "diverged":
        raise ConfigError(
            f"{run.path}: this run diverged and would again",
            hint="start a new one with a lower training.learning_rate",
        )


def refuse_changed_data(run: Run, setup: Setup) -> None:
    """Raise DataError when the files or the split are no longer those the run began with."""
    before, now = fingerprints(run.read_json("data.json")), fingerprints(setup.splits.facts)
    changed = [name for name in before if before[name] != now.get(name)]
    if changed:
        raise DataError(
            f"{run.path}: the data changed since the run began (different: {', '.join(changed)})",
            hint="restore the files, or start a new run",
        )


def refuse_changed_model(run: Run, setup: Setup) -> None:
    """Raise EnvironmentFault when the frozen weights, which no checkpoint holds, are no longer those of the start."""
    if frozen_fingerprint(setup.loaded.model) != run.facts["frozen"]:
        raise EnvironmentFault(
            f"{run.path}: the pretrained weights of {setup.config.model_settings.name} changed since the run began",
            hint="put the same model back, or start a new run",
        )


def fingerprints(facts: dict[str, Any]) -> dict[str, Any]:
    """What must be equal on resume; where the files lie may change."""
    files = {f"{side} file": file["sha256"] for side, file in facts["files"].items()}
    return {**files, **{name: facts[name] for name in ("columns", "label_names", "split")}}


def changed_versions(run: Run, setup: Setup) -> list[str]:
    before = run.read_json("environment.json")["packages"]
    now = describe_environment(setup.device)["packages"]
    return [
        f"resumed with {name} {now[name]}, begun with {before[name]}: the result may differ in the last digits"
        for name in now
        if before.get(name) != now[name]
    ]


def changed_processes(checkpoint: Checkpoint | None, processes: Processes) -> list[str]:
    before = processes.count if checkpoint is None else checkpoint.processes
    if before == processes.count:
        return []
    return [f"resumed in {processes.count} processes, saved by {before}: dropout draws other masks from here on"]


def diverged(
    run: Run, setup: Setup, history: History, store: CheckpointStore, processes: Processes, error: DivergedError
) -> DivergedError:
    """Keep the last good weights, note what happened, and return the error the user sees."""
    hint = "lower training.learning_rate"
    run.update(status="diverged", error=str(error))
    if history.best is not None:
        finish(run, setup, history, store, processes, status="diverged")
        hint += f"; the best weights so far (epoch {history.best.epoch:g}) are in {run.best_path}"
    return DivergedError(str(error), hint=hint)


def memory_guard(config: Config) -> contextlib.AbstractContextManager[None]:
    """Names the batch that did not fit, and settings with the same result that need less."""
    settings = config.training
    half = max(1, settings.batch_size // 2)
    return out_of_memory_named(
        f"batches of {settings.batch_size} rows × up to {config.data.max_length} tokens did not fit into memory",
        hint=f"training.batch_size={half} training.accumulation={settings.accumulation * 2} gives the same result "
        "in less memory; data.max_length and a smaller model help too",
    )
