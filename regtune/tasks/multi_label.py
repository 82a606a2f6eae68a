"""One text, or a pair, to any number of K labels, none included.

Data: column `labels`, a list in JSONL and Parquet, or a cell such as `billing;urgent` (`data.label_separator`) in CSV.
Loss: binary cross entropy, summed over the labels of a row: the negative log-likelihood of the whole answer, whose
gradient does not shrink with the number of labels. The new head starts at each label's share of the training rows.
A unit is one label of one row, a distribution over (absent, present), so smoothing with ε trains towards 1 − ε and ε,
and towards ½ at its bound; it is off unless asked for, as most labels are on few rows. A label is predicted where its
probability reaches a threshold; the threshold, one for all labels, is chosen on the validation rows only (best micro
F1) and kept with the run.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from regtune.config.schema import DataSettings
from regtune.data.columns import LABEL, SAMPLE_ROWS, Role, likely_column
from regtune.data.encode import EncodedRows, with_labels
from regtune.data.labels import MOST_CLASSES, class_order, clean_labels
from regtune.data.rules import as_name
from regtune.data.table import Table, kind_of
from regtune.errors import DataError
from regtune.tasks.base import Batch, Processor, Task, Units, entropy

LABELS = Role("label", ("labels", *LABEL.names))


class MultiLabel(Task):
    """A target is a tuple of label names, sorted, each once."""

    name = "multi-label"
    auto_class = "AutoModelForSequenceClassification"
    target_role = LABELS
    metrics = ("micro_f1", "macro_f1_labels", "exact_match")
    headline = "micro_f1"
    problem_type = "multi_label_classification"
    loss_unit = "nats per row"
    answer_kind = "labels"
    default_smoothing = 0.0  # where a label is on few rows, ε would teach ε for every absent one
    takes_class_weights = False
    tunes_threshold = True

    def recognise(self, table: Table, settings: DataSettings) -> str | None:
        column = likely_column(table, settings, LABELS)
        if column is None:
            return None
        cells = [row.values.get(column) for row in table.sample(SAMPLE_ROWS)]
        if any(isinstance(cell, list) for cell in cells):
            return f"column `{column}` holds lists of labels"
        separator = settings.label_separator
        if column.casefold() == "labels" and any(isinstance(cell, str) and separator in cell for cell in cells):
            return f"column `{column}` holds cells with several labels, `{separator}` between them"
        return None

    # ---- rows --------------------------------------------------------------------------------------------------------

    def read_target(self, value: Any, *, where: str, settings: DataSettings) -> tuple[str, ...] | None:
        if value is None:
            return None
        if isinstance(value, list):
            for name in value:
                if isinstance(name, dict | list) or not as_name(name).strip():
                    raise DataError(f"{where} holds {kind_of(name)} among its labels, expected names")
            names = [as_name(name) for name in value]
        elif isinstance(value, dict):
            raise DataError(f"{where} holds an object, expected a list of labels")
        else:
            names = as_name(value).split(settings.label_separator)
        return tuple(sorted({name for name in names if name.strip()}))

    def name_targets(self, targets: Sequence[Any]) -> tuple[list[Any], list[str]]:
        names, notes = clean_labels([name for target in targets for name in target])
        remaining = iter(names)
        named = [tuple(sorted({next(remaining) for _ in target})) for target in targets]
        if named and all(len(target) == 1 for target in named):
            notes.append("every row has exactly one label: task text-classification may be meant")
        return named, notes

    def as_targets(self, names: Sequence[str]) -> list[Any]:
        return [(name,) for name in names]

    def check_targets(self, targets: Sequence[Any], *, where: str) -> None:
        counts = Counter(name for target in targets for name in target)
        if not counts:
            raise DataError(f"{where}: no row has a label", hint="is data.label the right column?")
        if len(counts) > MOST_CLASSES:
            raise DataError(
                f"{where}: {len(counts)} labels in {len(targets)} rows, at most {MOST_CLASSES} are allowed",
                hint="is data.label the right column, and data.label_separator the right sign?",
            )

    def names_in(self, target: Any) -> tuple[str, ...]:
        names: tuple[str, ...] = target
        return names

    def label_names(self, targets: Iterable[Any]) -> tuple[str, ...]:
        return class_order(name for target in targets for name in target)

    def strata(self, targets: Sequence[Any]) -> list[tuple[str, ...]]:
        """How many labels a row has is a stratum as well: rows with many would otherwise fill the held-out sides."""
        return [(*target, f"{len(target)} labels") for target in targets]

    def show_target(self, target: Any) -> str:
        return json.dumps(list(target), ensure_ascii=False)

    def prepare_model(
        self, model: PreTrainedModel, *, new_parameters: Sequence[str], targets: Sequence[Any], settings: DataSettings
    ) -> None:
        """Let the new head begin at each label's share of the training rows.

        From p = ½ for every label, training would first spend its steps on saying "absent": at learning rates of
        fine-tuning the bias cannot move that far, so the encoder gives up its features for it. Source: Lin et al.
        2017, "Focal Loss for Dense Object Detection", section 3.3 (https://arxiv.org/abs/1708.02002).
        """
        counts = Counter(name for target in targets for name in target)
        names: Any = model.config.id2label
        shares = torch.tensor([(counts[names[i]] + 0.5) / (len(targets) + 1) for i in range(len(names))])  # (labels,)
        for name, parameter in model.named_parameters():
            if name in new_parameters and name.endswith("bias") and parameter.shape == shares.shape:
                parameter.detach().copy_(shares.logit())

    # ---- tensors -----------------------------------------------------------------------------------------------------

    def encode_labelled(
        self,
        inputs: Sequence[tuple[Any, ...]],
        targets: Sequence[Any],
        *,
        label_names: Sequence[str],
        processor: Processor,
        settings: DataSettings,
    ) -> EncodedRows:
        present = [[int(name in target) for name in label_names] for target in targets]
        rows = self.encode(inputs, processor=processor, settings=settings)
        return with_labels(rows, present, gold=[np.array(row, dtype=bool) for row in present])

    def units(self, logits: Tensor, labels: Tensor) -> Units:
        present = logits.float().flatten()  # (rows·labels,): row by row
        rows = torch.arange(len(labels), device=labels.device).repeat_interleave(labels.shape[1])
        # softmax of (0, z) is (1 − sigmoid(z), sigmoid(z)): binary cross entropy as cross entropy over two classes
        return Units(torch.stack([torch.zeros_like(present), present], dim=-1), labels.flatten(), rows)

    def count_units(self, labels: Tensor) -> int:
        return len(labels)

    def row_losses(self, units: Units, rows: int) -> tuple[Tensor, Tensor]:
        sums, counts = super().row_losses(units, rows)
        return sums, torch.ones_like(counts)

    def smoothing_classes(self, label_names: Sequence[str], model: PreTrainedModel) -> int:
        return 2

    def chance_loss(self, rows: EncodedRows) -> float:
        present = np.array([feature["labels"] for feature in rows.features])  # (rows, labels)
        return float(sum(entropy(Counter(column.tolist())) for column in present.T))

    # ---- answers -----------------------------------------------------------------------------------------------------

    def answers(self, model: PreTrainedModel, batch: Batch, logits: Tensor, *, processor: Processor) -> list[Any]:
        return list(logits.double().sigmoid().cpu().numpy())

    def answer_columns(self, label_names: Sequence[str]) -> list[str]:
        return ["prediction", *(f"prob_{name}" for name in label_names)]

    def answer_row(self, answer: Any, label_names: Sequence[str], *, threshold: float) -> dict[str, Any]:
        chosen = [name for name, p in zip(label_names, answer, strict=True) if p >= threshold]
        shown = {f"prob_{name}": round(float(p), 6) for name, p in zip(label_names, answer, strict=True)}
        return {"prediction": chosen, **shown}
