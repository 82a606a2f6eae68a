"""The tasks regtune can train. A new one is one file here and one line in TASKS."""

from regtune.tasks.base import Task
from regtune.tasks.text_classification import TextClassification

__all__ = ["TASKS", "Task", "TextClassification"]

TASKS: dict[str, Task] = {
    "text-classification": TextClassification(),
}
