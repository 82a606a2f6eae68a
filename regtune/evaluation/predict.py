"""`regtune predict`: read, answer and write in blocks, so that a million rows need the memory of one block."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from regtune.data.columns import Columns
from regtune.data.export import TableWriter
from regtune.data.reading import check_columns, input_cells
from regtune.data.sources import open_table
from regtune.data.table import Row
from regtune.errors import DataError
from regtune.evaluation.restore import restore
from regtune.run import Run

ROWS_PER_BLOCK = 2048  # enough to sort by length within a block, little enough to forget


def predict_file(run: Run, data: str, output: str) -> int:
    """See `regtune.api.predict`: input columns, then what the task's `answer_columns` names.

    Raises ConfigError when `output` exists, DataError naming file and row. After any error nothing is written.
    """
    restored = restore(run)
    settings, task = restored.config.data, restored.task
    columns = Columns.from_facts(run.read_json("data.json")["columns"])
    written = 0
    with open_table(data, encoding=settings.encoding, separator=settings.separator) as table:
        check_columns(table, columns, task, with_target=False)
        added = task.answer_columns(restored.label_names)
        taken = [name for name in table.columns if name in added]
        if taken:
            raise DataError(f"{data}: already has a column `{taken[0]}`, which predict would write", hint="rename it")
        with TableWriter(Path(output), [*table.columns, *added]) as writer:
            for block in _blocks(table.rows):
                inputs = [input_cells(row, columns, task, path=row.file or data) for row in block]
                rows = task.encode(inputs, processor=restored.processor, settings=settings)
                answers = restored.scorer(rows).answers
                for row, answer in zip(block, answers, strict=True):
                    missing = dict.fromkeys(table.columns)  # a JSONL row may lack keys of the first one
                    answered = task.answer_row(answer, restored.label_names, threshold=restored.threshold)
                    writer.write({**missing, **row.values, **answered})
                written += len(block)
    return written


def _blocks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while block := list(islice(rows, ROWS_PER_BLOCK)):
        yield block
