"""One text, or a pair of texts, to one of K classes.

Data: columns `text` and `label`; of a pair `text: [text_a, text_b]`, encoded together.
Loss: cross entropy over the classes, one unit a row; smoothing moves ε to the K − 1 other classes.
"""

from __future__ import annotations

from regtune.config.schema import DataSettings
from regtune.data.table import Table
from regtune.tasks.base import Task


class TextClassification(Task):
    """Everything as `Task` has it."""

    name = "text-classification"
    auto_class = "AutoModelForSequenceClassification"
    metrics = ("accuracy", "macro_f1", "nll", "ece")
    headline = "macro_f1"

    def recognise(self, table: Table, settings: DataSettings) -> str:
        return "a text and one label a row"
