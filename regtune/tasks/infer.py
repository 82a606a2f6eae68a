"""Which task a config means: the one it names, or the one its training file looks like, with the reason."""

from __future__ import annotations

from regtune.config.schema import Config, DataSettings
from regtune.data.columns import GROUP
from regtune.data.sources import open_table
from regtune.errors import ConfigError
from regtune.tasks import TASKS, Task

COLUMN_KEYS = ("text", "label", "tokens", "tags", "prompt", "completion", "source", "target", "image")


def resolve_task(config: Config) -> tuple[Config, Task, str | None]:
    """The config with its task, and what the task decides where nothing was said, filled in; the reason if inferred.

    Raises ConfigError for settings that have no meaning for the task, DataError for a file that cannot be read.
    """
    task, reason = (TASKS[config.task], None) if config.task is not None else infer_task(config.data)
    check_settings(config, task)
    smoothing = config.regularization.smoothing
    if "smoothing" not in config.regularization.model_fields_set:
        smoothing = task.default_smoothing or 0.0
    regularization = config.regularization.model_copy(update={"smoothing": smoothing})
    return config.model_copy(update={"task": task.name, "regularization": regularization}), task, reason


def infer_task(settings: DataSettings) -> tuple[Task, str]:
    """(task, why), from the columns and first rows of the training file."""
    with open_table(settings.train, encoding=settings.encoding, separator=settings.separator) as table:
        reasons = ((task, task.recognise(table, settings)) for task in TASKS.values())
        task, reason = next((task, reason) for task, reason in reasons if reason is not None)
    return task, f"task {task.name}: {reason} (set `task` for another)"


def check_settings(config: Config, task: Task) -> None:
    """Raise ConfigError, with every problem, for settings that the task cannot obey."""
    regularization = config.regularization
    problems = []
    if regularization.smoothing and "smoothing" in regularization.model_fields_set and task.default_smoothing is None:
        problems.append(
            f"regularization.smoothing: has no meaning for task {task.name}, whose targets are no classes,"
            f" got {regularization.smoothing:g}; leave it out or set it to 0"
        )
    allowed = ("loss", *task.metrics)
    if regularization.monitor not in allowed:
        problems.append(
            f"regularization.monitor: must be one of {', '.join(allowed)} for task {task.name},"
            f" got {regularization.monitor}"
        )
    if config.training.class_weights == "balanced" and not task.takes_class_weights:
        problems.append(f"training.class_weights: has no meaning for task {task.name}, set it to none")
    known = {role.key for role in (*task.roles(), GROUP)}
    problems += [
        f"data.{key}: has no meaning for task {task.name}, whose columns are {', '.join(sorted(known))}"
        for key in COLUMN_KEYS
        if config.data.column(key) is not None and key not in known
    ]
    if problems:
        raise ConfigError(*problems)
