"""A finished run's model, ready to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import transformers
from safetensors import SafetensorError
from transformers import PreTrainedModel

from regtune.config import load_config
from regtune.config.schema import Config
from regtune.data.encode import EncodedRows
from regtune.data.example import Example
from regtune.errors import ConfigError, EnvironmentFault
from regtune.evaluation.scoring import Scorer
from regtune.models.finetune import load_adapter
from regtune.models.load import load_model
from regtune.models.processor import load_processor
from regtune.models.quiet import quiet_transformers
from regtune.run import Run, Status
from regtune.tasks import TASKS, Task
from regtune.tasks.base import Processor

FINISH_IT = "finish it with `regtune train --resume RUN`"
START_ANEW = "start a new run"
WAYS_ON: dict[Status, str] = {
    "created": FINISH_IT,
    "running": FINISH_IT,
    "interrupted": FINISH_IT,
    "failed": FINISH_IT,
    "diverged": START_ANEW,
    "completed": f"its best/ folder is gone; put it back, or {START_ANEW}",
}


@dataclass(frozen=True)
class RestoredRun:
    """The best model of a run, on the device the run's config names (the CPU when that is gone)."""

    run: Run
    config: Config
    task: Task
    label_names: tuple[str, ...]  # empty: the task has no classes
    processor: Processor
    scorer: Scorer
    threshold: float  # see `regtune.evaluation.results.score`
    baseline: float | None

    def encode_labelled(self, examples: Sequence[Example]) -> EncodedRows:
        """Labelled rows as training encoded them."""
        return self.task.encode_labelled(
            [example.inputs for example in examples],
            [example.target for example in examples],
            label_names=self.label_names,
            processor=self.processor,
            settings=self.config.data,
        )


def restore(run: Run) -> RestoredRun:
    """Load best/. Raises ConfigError when the run has none yet, EnvironmentFault when it is damaged."""
    if not run.best_path.is_dir():
        raise ConfigError(f"{run.path}: has no best model, the run is {run.status}", hint=WAYS_ON[run.status])
    config = load_config(run.config_path)
    task = TASKS[run.facts["task"]]
    names = tuple(run.read_json("data.json")["label_names"])
    try:
        with quiet_transformers():
            model, processor = _load_best(run, config, task, names)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise EnvironmentFault(f"{run.best_path}: cannot be loaded ({' '.join(str(error).split())[:150]})") from None
    device = "cuda" if torch.cuda.is_available() and config.training.device != "cpu" else "cpu"
    facts = run.facts
    return RestoredRun(
        run=run,
        config=config,
        task=task,
        label_names=names,
        processor=processor,
        scorer=Scorer(
            torch.nn.Module.to(model, device),
            task,
            processor,
            task.collator(processor, model),
            bfloat16=config.training.precision == "bfloat16",
        ),
        threshold=facts["threshold"],
        baseline=facts["baseline"],
    )


def _load_best(run: Run, config: Config, task: Task, label_names: tuple[str, ...]) -> tuple[PreTrainedModel, Processor]:
    """(model, processor) of best/: a local folder, safetensors only, no code from the folder is run."""
    settings = config.model_settings
    processor = load_processor(run.best_path, task)
    if settings.finetune == "lora" and settings.lora.save == "adapter":
        base = load_model(
            settings.name,
            task=task,
            label_names=label_names,
            texts=(),
            max_length=task.positions(config.data),
            seed=config.training.seed,
        )
        task.prepare_model(base.model, new_parameters=(), targets=(), settings=config.data)  # how much it may write
        return load_adapter(base.model, run.best_path), processor
    model: PreTrainedModel = getattr(transformers, task.auto_class).from_pretrained(
        run.best_path, local_files_only=True, use_safetensors=True, trust_remote_code=False
    )
    return model, processor
