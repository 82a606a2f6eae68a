"""The tasks regtune can train. A new one is one file here and one line in TASKS."""

from regtune.tasks.base import Batch, Task, Units
from regtune.tasks.causal_lm import CausalLm
from regtune.tasks.image_classification import ImageClassification
from regtune.tasks.multi_label import MultiLabel
from regtune.tasks.regression import Regression
from regtune.tasks.seq2seq import Seq2Seq
from regtune.tasks.text_classification import TextClassification
from regtune.tasks.token_classification import TokenClassification

__all__ = ["TASKS", "Batch", "Task", "Units"]

# In the order in which they are asked whether they recognise a training file; the last takes what is left.
TASKS: dict[str, Task] = {
    "token-classification": TokenClassification(),
    "seq2seq": Seq2Seq(),
    "causal-lm": CausalLm(),
    "image-classification": ImageClassification(),
    "multi-label": MultiLabel(),
    "regression": Regression(),
    "text-classification": TextClassification(),
}
