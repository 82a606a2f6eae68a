"""One text, or a pair, to a number.

Data: a numeric column `label` (or `score`, `rating`, …). Loss: squared error in the target's own units, so that any
model loaded from the run answers in them. Smoothing has no meaning here and is refused. The new head starts at the mean
of the training targets, so that training begins where the mean baseline ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from regtune.config.schema import DataSettings
from regtune.data.columns import LABEL, Role
from regtune.data.encode import EncodedRows, with_labels
from regtune.data.labels import FLOAT, INTEGRAL_FLOAT
from regtune.data.table import Table, kind_of
from regtune.errors import DataError
from regtune.tasks.base import Batch, Processor, Task, Units
from regtune.wording import cut

SCORE = Role("label", (*LABEL.names, "score", "rating", "similarity", "value", "stars"))
MOST_STRATA = 10  # splits hold equal shares of the ten tenths of the targets,
ROWS_PER_STRATUM = 15  # or of fewer parts: every part has a row on every side, which must not make a side larger
LARGE_SPREAD = 20.0  # standard deviation beyond which a head trained at fine-tuning's learning rates cannot follow


class Regression(Task):
    """A target is a finite float."""

    name = "regression"
    auto_class = "AutoModelForSequenceClassification"
    target_role = SCORE
    has_classes = False
    metrics = ("pearson", "spearman", "rmse", "rmse_of_mean")
    headline = "pearson"
    problem_type = "regression"
    loss_unit = "squared error"
    answer_kind = "number"
    default_smoothing = None
    takes_class_weights = False

    def recognise(self, table: Table, settings: DataSettings) -> str | None:
        try:
            column = self.choose_columns(table, settings).target
        except DataError:
            return None
        cells = {str(row.values.get(str(column), "")).strip() for row in table.sample(1000)} - {"", "None"}
        is_scale = any(not INTEGRAL_FLOAT.fullmatch(cell) for cell in cells)
        if is_scale and all(FLOAT.fullmatch(cell) for cell in cells):
            return f"column `{column}` holds numbers with fractions, {len(cells)} different ones"
        return None

    # ---- rows --------------------------------------------------------------------------------------------------------

    def read_target(self, value: Any, *, where: str, settings: DataSettings) -> float | None:
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number and not (isinstance(value, str) and FLOAT.fullmatch(value.strip())):
            got = f"`{cut(value)}`" if isinstance(value, str) else kind_of(value)
            raise DataError(
                f"{where} holds {got}, regression needs a number", hint="is data.label the right column, or task?"
            )
        number = float(value)
        if not math.isfinite(number):
            raise DataError(f"{where} holds `{value}`, regression needs a finite number")
        return number

    def name_targets(self, targets: Sequence[Any]) -> tuple[list[Any], list[str]]:
        spread = float(np.std(targets))
        notes = []
        if spread > LARGE_SPREAD:
            notes.append(
                f"targets lie between {min(targets):g} and {max(targets):g} (standard deviation {spread:.3g}): divide"
                f" them by about {spread:.1g}, or the head needs very many steps to reach them"
            )
        return list(targets), notes

    def check_targets(self, targets: Sequence[Any], *, where: str) -> None:
        if len(set(targets)) == 1:
            raise DataError(f"{where}: every one of the {len(targets)} rows has the same number {targets[0]:g}")

    def strata(self, targets: Sequence[Any]) -> list[tuple[str, ...]]:
        parts = min(MOST_STRATA, max(1, len(targets) // ROWS_PER_STRATUM))
        edges = np.quantile(targets, np.linspace(0, 1, parts + 1)[1:-1])
        return [(f"part {int(part)}",) for part in np.searchsorted(edges, targets)]

    def show_target(self, target: Any) -> str:
        return f"{target:.10g}"

    # ---- model and loss ----------------------------------------------------------------------------------------------

    def head_fields(self, label_names: Sequence[str]) -> dict[str, Any]:
        return {"num_labels": 1, "problem_type": self.problem_type}

    def prepare_model(
        self, model: PreTrainedModel, *, new_parameters: Sequence[str], targets: Sequence[Any], settings: DataSettings
    ) -> None:
        for name, parameter in model.named_parameters():
            if name in new_parameters and name.endswith("bias") and parameter.shape == (1,):
                torch.nn.init.constant_(parameter, float(np.mean(targets)))

    def encode_labelled(
        self,
        inputs: Sequence[tuple[Any, ...]],
        targets: Sequence[Any],
        *,
        label_names: Sequence[str],
        processor: Processor,
        settings: DataSettings,
    ) -> EncodedRows:
        return with_labels(self.encode(inputs, processor=processor, settings=settings), list(targets))

    def clean_losses(self, units: Units) -> Tensor:
        return self.objective(units.logits, self.hard_targets(units))

    def hard_targets(self, units: Units) -> Tensor:
        return units.labels[:, None]  # (rows, 1): the number itself

    def objective(self, logits: Tensor, targets: Tensor) -> Tensor:
        return (logits - targets).square().sum(-1)  # (rows,)

    def smoothing_classes(self, label_names: Sequence[str], model: PreTrainedModel) -> int:
        return 1

    def chance_loss(self, rows: EncodedRows) -> float:
        return float(np.var(rows.gold))

    def baseline(self, targets: Sequence[Any]) -> float:
        return float(np.mean(targets))

    # ---- answers -----------------------------------------------------------------------------------------------------

    def answers(self, model: PreTrainedModel, batch: Batch, logits: Tensor, *, processor: Processor) -> list[Any]:
        return [float(number) for number in logits[:, 0].cpu()]

    def answer_columns(self, label_names: Sequence[str]) -> list[str]:
        return ["prediction"]

    def answer_row(self, answer: Any, label_names: Sequence[str], *, threshold: float) -> dict[str, Any]:
        return {"prediction": round(answer, 6)}
