"""`regtune predict`: read, answer and write in blocks, so that a million rows need the memory of one block."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from regtune.data.columns import find_column
from regtune.data.encode import encode
from regtune.data.export import TableWriter
from regtune.data.reading import text_cell
from regtune.data.sources import Row, open_table
from regtune.errors import DataError
from regtune.evaluation.predictions import answer, answer_columns
from regtune.evaluation.restore import restore
from regtune.run import Run

ROWS_PER_BLOCK = 2048  # enough to sort by length within a block, little enough to forget


def predict_file(run: Run, data: str, output: str) -> int:
    """See `regtune.api.predict`: input columns, then prediction, confidence and prob_<label>.

    Raises ConfigError when `output` exists, DataError naming file and row. After any error nothing is written.
    """
    restored = restore(run)
    settings, column = restored.config.data, run.read_json("data.json")["columns"]["text"]
    written = 0
    with open_table(data, encoding=settings.encoding, separator=settings.separator) as table:
        find_column(table, column, key="the text column of the run")
        added = answer_columns(restored.label_names)
        taken = [name for name in table.columns if name in added]
        if taken:
            raise DataError(f"{data}: already has a column `{taken[0]}`, which predict would write", hint="rename it")
        with TableWriter(Path(output), [*table.columns, *added]) as writer:
            for block in _blocks(table.rows):
                texts = [text_cell(row, column, path=data) for row in block]
                encoded = encode(texts, None, tokenizer=restored.tokenizer, max_length=settings.max_length)
                probabilities = restored.task.probabilities(restored.scorer.logits(encoded)).numpy()  # (block, classes)
                for row, answers in zip(block, probabilities, strict=True):
                    missing = dict.fromkeys(table.columns)  # a JSONL row may lack keys of the first one
                    writer.write({**missing, **row.values, **answer(answers, restored.label_names)})
                written += len(block)
    return written


def _blocks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while block := list(islice(rows, ROWS_PER_BLOCK)):
        yield block
