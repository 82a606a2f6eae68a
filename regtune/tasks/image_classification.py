"""One image, one of K classes.

Data: a folder with one folder of images a class, or a table with a column `image` of paths relative to its file.
Loss: cross entropy over the classes, one unit a row. Images are decoded and resized when a batch needs them, by the
model's own image processor.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from regtune.config.schema import DataSettings
from regtune.data.columns import Role, likely_column
from regtune.data.encode import CACHED_ROW, Collator, EncodedRows
from regtune.data.pictures import OpenPicture, Picture, read_picture
from regtune.data.table import Table
from regtune.tasks.base import Augments, Processor, Task

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
IMAGE = Role("image", ("image", "img", "image_path", "picture", "filename", "file", "path"))


class ImageClassification(Task):
    """An input is a `Picture`, a target a class name."""

    name = "image-classification"
    auto_class = "AutoModelForImageClassification"
    input_role = IMAGE
    takes_pairs = False
    metrics = ("accuracy", "macro_f1", "nll", "ece")
    headline = "macro_f1"
    reads_images = True

    def recognise(self, table: Table, settings: DataSettings) -> str | None:
        column = likely_column(table, settings, IMAGE)
        cells = [] if column is None else [row.values.get(column) for row in table.sample(20)]
        if cells and all(isinstance(cell, dict) or str(cell).lower().endswith(SUFFIXES) for cell in cells):
            return f"column `{column}` holds images"
        return None

    def read_input(self, value: Any, *, where: str, folder: Path) -> Picture | None:
        return read_picture(value, where=where, folder=folder)

    def is_empty(self, value: Any) -> bool:
        return value is None

    def show_input(self, inputs: tuple[Any, ...]) -> str:
        path: str = inputs[0].path
        return path

    def key(self, inputs: tuple[Any, ...]) -> str:
        digest: str = inputs[0].digest
        return digest

    def vocabulary_texts(self, inputs: Sequence[tuple[Any, ...]], targets: Sequence[Any]) -> list[str]:
        return []

    def augmented(
        self, inputs: tuple[Any, ...], target: Any, augmentation: Augments, *, epoch: int, row: int
    ) -> tuple[tuple[Any, ...], Any]:
        image = inputs[0].open()
        changed = augmentation.augment_image(image, epoch=epoch, row=row)
        return inputs if changed.tobytes() == image.tobytes() else (OpenPicture(changed),), target

    def encode(self, inputs: Sequence[tuple[Any, ...]], *, processor: Processor, settings: DataSettings) -> EncodedRows:
        features = [{"image": picture} for (picture,) in inputs]
        return EncodedRows(features, gold=[], lengths=[1] * len(features), is_truncated=[False] * len(features))

    def collator(self, processor: Processor, model: PreTrainedModel) -> Collator:
        def collate(features: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
            if CACHED_ROW in features[0]:  # nothing looks at the pixels
                rows = torch.tensor([feature[CACHED_ROW] for feature in features])
                batch = {"pixel_values": torch.zeros(len(features), 3, 1, 1), CACHED_ROW: rows}
            else:
                images = [feature["image"].open() for feature in features]
                batch = dict(processor(images=images, return_tensors="pt"))
            if "labels" in features[0]:
                batch["labels"] = torch.tensor([feature["labels"] for feature in features])
            return batch

        return collate
