"""What a task must answer: how rows are read, which model class, the loss, what an answer is, which metrics.

A loss is a mean over *units*: one per row where a row has one answer, one per label in multi-label, one per token
where every token has an answer. Whatever the task, a unit is a distribution over classes (regression aside), so that
techniques such as smoothing act on units and need to know no task.

The defaults here are those of one class a row.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel

from regtune.config.schema import DataSettings
from regtune.data.encode import Collator, EncodedRows, encode_texts, pad_texts, with_labels
from regtune.data.rules import RowRules
from regtune.data.table import Table

if TYPE_CHECKING:
    from PIL.Image import Image

Batch = dict[str, Tensor]
Processor = Any  # a PreTrainedTokenizerBase, or an image processor: transformers gives them no common base

IGNORED = -100  # the label of a token that has no answer: padding, a prompt, the second piece of a word


@dataclass(frozen=True)
class Units:
    """The answers of a batch that count, one line each. logits are float32, whatever the model's arithmetic."""

    logits: Tensor  # (units, classes)
    labels: Tensor  # (units,) class ids; (units,) numbers in regression
    rows: Tensor  # (units,) the batch row each belongs to


class Augments(Protocol):
    """What changes training rows: `regtune.regularization.Augmentation`, which says what each method does."""

    def augment_texts(self, texts: Sequence[str], *, epoch: int, row: int) -> Sequence[str]: ...

    def augment_tagged(
        self, words: Sequence[str], tags: Sequence[str], *, epoch: int, row: int
    ) -> tuple[Sequence[str], Sequence[str]]: ...

    def augment_image(self, image: Image, *, epoch: int, row: int) -> Image: ...


class Task(RowRules):
    """One kind of prediction. Stateless; `regtune.tasks.TASKS` holds one instance of each."""

    name: ClassVar[str]  # as written in the config
    auto_class: ClassVar[str]  # the transformers Auto class that builds the model
    metrics: ClassVar[tuple[str, ...]]  # names in regtune.evaluation.metrics.METRICS
    headline: ClassVar[str]  # the metric of the live table
    problem_type: ClassVar[str | None] = "single_label_classification"  # of the saved model's config
    loss_unit: ClassVar[str] = "nats per row"
    counts_tokens: ClassVar[bool] = False  # whether what is scored depends on the tokenizer and on where texts are cut
    default_smoothing: ClassVar[float | None] = 0.1  # where the config says nothing; None: smoothing has no meaning
    takes_class_weights: ClassVar[bool] = True
    tunes_threshold: ClassVar[bool] = False  # answers are cut at a threshold that validation chooses
    answer_kind: ClassVar[Literal["class", "labels", "number", "tags", "text", "none"]] = "class"  # what predict gives
    reads_images: ClassVar[bool] = False  # the processor is an image processor, not a tokenizer

    @abstractmethod
    def recognise(self, table: Table, settings: DataSettings) -> str | None:
        """Why the training file looks like this task, in a few words; None when it does not."""

    # ---- rows to tensors ---------------------------------------------------------------------------------------------

    def encode(self, inputs: Sequence[tuple[Any, ...]], *, processor: Processor, settings: DataSettings) -> EncodedRows:
        """Rows without targets, for `predict`."""
        return encode_texts(inputs, tokenizer=processor, max_length=settings.max_length)

    def encode_labelled(
        self,
        inputs: Sequence[tuple[Any, ...]],
        targets: Sequence[Any],
        *,
        label_names: Sequence[str],
        processor: Processor,
        settings: DataSettings,
    ) -> EncodedRows:
        """Rows with targets. A class's id is its place in label_names."""
        ids = {name: i for i, name in enumerate(label_names)}
        rows = self.encode(inputs, processor=processor, settings=settings)
        return with_labels(rows, [ids[target] for target in targets])

    def row_notes(self, rows: EncodedRows, *, side: str, settings: DataSettings) -> list[str]:
        """What of a side's labelled rows the model will not see, one sentence each. side: train, validation, test."""
        if not rows.truncated:
            return []
        longer = f"longer than {settings.max_length} tokens and were cut"
        return [f"{rows.truncated} of {len(rows)} {side} rows are {longer}"]

    def collator(self, processor: Processor, model: PreTrainedModel) -> Collator:
        """What makes a batch of encoded rows."""
        return pad_texts(processor)

    def vocabulary_texts(self, inputs: Sequence[tuple[Any, ...]], targets: Sequence[Any]) -> list[str]:
        """The training texts a tokenizer built from scratch should know."""
        return [text for parts in inputs for text in parts]

    def augmented(
        self, inputs: tuple[Any, ...], target: Any, augmentation: Augments, *, epoch: int, row: int
    ) -> tuple[tuple[Any, ...], Any]:
        """A training row as this epoch sees it. row: its place among the training rows."""
        return tuple(augmentation.augment_texts(inputs, epoch=epoch, row=row)), target

    # ---- model -------------------------------------------------------------------------------------------------------

    def head_fields(self, label_names: Sequence[str]) -> dict[str, Any]:
        """Config fields that give the model its head, and let a saved model tell its own labels."""
        return {
            "num_labels": len(label_names),
            "id2label": dict(enumerate(label_names)),
            "label2id": {label: index for index, label in enumerate(label_names)},
            "problem_type": self.problem_type,
        }

    def positions(self, settings: DataSettings) -> int:
        """How many tokens the model must be able to take."""
        return settings.max_length

    def check_model(self, model: PreTrainedModel, processor: Processor, *, name: str) -> None:
        """Raise ConfigError when the loaded model cannot do this task. name: as in the config."""

    def prepare_model(
        self, model: PreTrainedModel, *, new_parameters: Sequence[str], targets: Sequence[Any], settings: DataSettings
    ) -> None:
        """Set up the loaded model for these training targets, before training. new_parameters: still random."""

    def model_inputs(self, batch: Batch) -> Batch:
        """What of a batch the model is called with."""
        return {name: tensor for name, tensor in batch.items() if name != "labels"}

    # ---- loss --------------------------------------------------------------------------------------------------------

    def units(self, logits: Tensor, labels: Tensor) -> Units:
        """The model's output as units. (rows, …) → (units, classes)."""
        return Units(logits.float(), labels, torch.arange(len(labels), device=labels.device))

    def count_units(self, labels: Tensor) -> int:
        """What the mean of the loss over these labels counts: usually the units."""
        return len(labels)

    def clean_losses(self, units: Units) -> Tensor:
        """The loss that is reported: hard labels, no weighting, one value per unit. → (units,)"""
        return F.cross_entropy(units.logits, units.labels, reduction="none")

    def row_losses(self, units: Units, rows: int) -> tuple[Tensor, Tensor]:
        """(summed clean loss (rows,) float64, what the mean counts (rows,) int64) of each row of a batch."""
        losses = self.clean_losses(units)
        sums = torch.zeros(rows, dtype=torch.float64, device=losses.device).index_add_(0, units.rows, losses.double())
        return sums, torch.bincount(units.rows, minlength=rows)

    def hard_targets(self, units: Units) -> Tensor:
        """Labels as target distributions that techniques may soften. → (units, classes)"""
        return F.one_hot(units.labels, units.logits.shape[-1]).float()

    def objective(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss that is minimised, for possibly soft targets. (units, classes) twice → (units,)"""
        return -(targets * logits.log_softmax(-1)).sum(-1)

    def smoothing_classes(self, label_names: Sequence[str], model: PreTrainedModel) -> int:
        """K of the smoothing formula: the classes of a unit."""
        return len(label_names)

    def baseline(self, targets: Sequence[Any]) -> float | None:
        """What always answering the same would say, where that is a number: regression's training mean."""
        return None

    def balanced_weights(self, rows: EncodedRows, *, classes: int) -> Tensor:
        """What a unit of each class counts in the objective, so that all classes count alike. → (classes,)

        w_k = units / (classes that occur · units of class k), so that the weights average 1 over the units and the
        size of the gradient stays what it was. Source: King and Zeng 2001, "Logistic Regression in Rare Events Data",
        section 4.2 (https://doi.org/10.1093/oxfordjournals.pan.a004868), as scikit-learn's "balanced".
        """
        counts = torch.zeros(classes)
        for label, count in self.label_counts(rows).items():
            counts[label] = count
        occurring = int((counts > 0).sum())
        return torch.where(counts > 0, counts.sum() / (occurring * counts.clamp(min=1)), 0.0)

    def label_counts(self, rows: EncodedRows) -> Counter[int]:
        """Units by class id."""
        return Counter(feature["labels"] for feature in rows.features)

    def chance_loss(self, rows: EncodedRows) -> float:
        """The clean loss of always answering with the shares of the classes among these rows, per unit."""
        return entropy(self.label_counts(rows))

    # ---- answers -----------------------------------------------------------------------------------------------------

    def answers(self, model: PreTrainedModel, batch: Batch, logits: Tensor, *, processor: Processor) -> list[Any]:
        """The model's answer to each row of a batch, on the CPU: here class probabilities, (classes,) float64."""
        return list(logits.double().softmax(-1).cpu().numpy())

    def answer_columns(self, label_names: Sequence[str]) -> list[str]:
        """What predict adds behind the input's columns."""
        return ["prediction", "confidence", *(f"prob_{name}" for name in label_names)]

    def answer_row(self, answer: Any, label_names: Sequence[str], *, threshold: float) -> dict[str, Any]:
        """One row's values for `answer_columns`. threshold: of a task that `tunes_threshold`."""
        chosen = int(answer.argmax())
        shown = {f"prob_{name}": round(float(p), 6) for name, p in zip(label_names, answer, strict=True)}
        return {"prediction": label_names[chosen], "confidence": round(float(answer[chosen]), 6), **shown}


def entropy(counts: Mapping[Any, int]) -> float:
    """Of the distribution with these counts, nats; 0 for no counts at all."""
    total = sum(counts.values())
    return -sum(n / total * math.log(n / total) for n in counts.values() if n)


def count_kept(labels: Iterable[Any]) -> Counter[Any]:
    """Of token labels, row after row, those that are not IGNORED."""
    return Counter(label for row in labels for label in row if label != IGNORED)
