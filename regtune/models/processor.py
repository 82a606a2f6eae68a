"""What turns a row into model inputs, from a model's folder: a tokenizer, or an image processor."""

from __future__ import annotations

from pathlib import Path

from transformers import AutoImageProcessor, AutoTokenizer

from regtune.tasks.base import Processor, Task


def load_processor(folder: Path, task: Task) -> Processor:
    """The folder's processor for this task. Raises OSError, ValueError, KeyError or ImportError when it has none."""
    if task.reads_images:
        # "pil": the other backend needs torchvision, and is faster only for large images
        return AutoImageProcessor.from_pretrained(folder, backend="pil", trust_remote_code=False, local_files_only=True)
    return AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
