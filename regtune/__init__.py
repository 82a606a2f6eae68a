"""Fine-tune a pretrained Hugging Face model on a small labelled data set, regularized and measured honestly.

    from regtune import load_config, train, load_run

    run = train(load_config("configs/small.yaml"))
    print(run.facts["test"]["metrics"]["accuracy"])

These are the functions the commands call. They are imported on first use, so `import regtune` loads no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regtune.api import (
        ablate,
        evaluate,
        join_sweep,
        list_runs,
        load_config,
        load_run,
        predict,
        resume,
        resume_repeats,
        show_sweep,
        sweep,
        train,
        train_repeats,
    )

__all__ = [
    "ablate",
    "evaluate",
    "join_sweep",
    "list_runs",
    "load_config",
    "load_run",
    "predict",
    "resume",
    "resume_repeats",
    "show_sweep",
    "sweep",
    "train",
    "train_repeats",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'regtune' has no attribute {name!r}")
    import regtune.api

    return getattr(regtune.api, name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
