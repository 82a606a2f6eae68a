"""What a task decides about its rows: which columns, what a cell may hold, what the classes are.

The answers here are those of the simplest task, one text and one class a row; a task overrides where it differs
(`regtune.tasks`, one file each). Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from regtune.config.schema import DataSettings
from regtune.data.columns import LABEL, TEXT, Columns, Role, choose_columns
from regtune.data.example import fold_text
from regtune.data.labels import check_labels, class_order, clean_labels
from regtune.data.table import Table, kind_of
from regtune.errors import DataError

ONE_STRATUM = ("",)  # of rows that name no class
PAIR_MARK = " ⏐ "  # between the two texts of a pair, where they are shown or compared as one


class RowRules:
    """From table cells to inputs and targets. Every method is a pure function of its arguments."""

    input_role: ClassVar[Role] = TEXT
    target_role: ClassVar[Role] = LABEL
    takes_pairs: ClassVar[bool] = True
    has_classes: ClassVar[bool] = True  # targets name classes; False: numbers or texts, each its own

    def roles(self) -> tuple[Role, ...]:
        """The columns that may be named in the config."""
        return (self.input_role, self.target_role)

    def choose_columns(self, table: Table, settings: DataSettings) -> Columns:
        """Which columns hold what. Raises DataError where that cannot be told."""
        return choose_columns(
            table, settings, input_role=self.input_role, target_role=self.target_role, takes_pairs=self.takes_pairs
        )

    # ---- one row -----------------------------------------------------------------------------------------------------

    def read_input(self, value: Any, *, where: str, folder: Path) -> Any:
        """One input cell, verbatim; "" or another empty value where there is nothing. Raises DataError otherwise.

        where: "file:line: column `name`". folder: of the file, for cells that name other files.
        """
        if value is None:
            return ""
        if not isinstance(value, str):
            raise DataError(f"{where} holds {kind_of(value)}, the {self.input_role.key} must be a string")
        return value

    def is_empty(self, value: Any) -> bool:
        """Whether an input cell holds nothing a model could read."""
        return not value.strip()

    def read_target(self, value: Any, *, where: str, settings: DataSettings) -> Any:
        """One target cell as text; None where it is missing. Raises DataError for a list or an object."""
        if isinstance(value, dict | list):
            raise DataError(f"{where} holds {kind_of(value)}, expected one label", hint=self.hint_for(value))
        name = as_name(value)
        return name if name.strip() else None

    def hint_for(self, value: Any) -> str | None:
        """What to do about a target of another kind."""
        return "several labels a row are task: multi-label" if isinstance(value, list) else None

    def check_row(self, inputs: tuple[Any, ...], target: Any, *, where: str) -> None:
        """Raise DataError when inputs and target do not belong together. where: "file:line"."""

    def show_input(self, inputs: tuple[Any, ...]) -> str:
        """The inputs, for people."""
        return PAIR_MARK.join(inputs)

    def key(self, inputs: tuple[Any, ...]) -> str:
        """Rows with equal keys are the same input; a pair and its mirror are, too."""
        return fold_text(self.show_input(tuple(sorted(inputs)) if len(inputs) > 1 else inputs))

    def show_target(self, target: Any) -> str:
        """The target, for people."""
        return str(target)

    # ---- all rows ----------------------------------------------------------------------------------------------------

    def name_targets(self, targets: Sequence[Any]) -> tuple[list[Any], list[str]]:
        """Targets of all files together under their final names, and notes on what was changed."""
        return clean_labels(targets) if self.has_classes else (list(targets), [])

    def as_targets(self, names: Sequence[str]) -> list[Any]:
        """The classes of a trained model as targets that take part in `name_targets`."""
        return list(names)

    def check_targets(self, targets: Sequence[Any], *, where: str) -> None:
        """Raise DataError unless the targets, one per training row, can be trained on."""
        check_labels(targets, where=where)

    def names_in(self, target: Any) -> tuple[str, ...]:
        """The classes a target names; () for a task without classes."""
        return (target,) if self.has_classes else ()

    def label_names(self, targets: Iterable[Any]) -> tuple[str, ...]:
        """All classes in the order of their indices; () for a task without classes."""
        return class_order(name for target in targets for name in self.names_in(target))

    def strata(self, targets: Sequence[Any]) -> list[tuple[str, ...]]:
        """Per row, what the sides of a split hold in equal proportion; at least one name a row."""
        return [self.names_in(target) or ONE_STRATUM for target in targets]


def as_name(value: Any) -> str:
    """A cell as text: JSON true is `true`, 1 is `1`, 1.0 is `1.0`, null is empty."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
