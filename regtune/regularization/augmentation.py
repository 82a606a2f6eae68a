"""Data augmentation: every epoch sees the training rows a little changed, so that none can be learnt by heart.

What it does
    Text: each row, in each epoch, gets one operation, drawn at equal chance from those that are on: delete (words go),
    swap (words change places), crop (words at the ends go) or mask (words become the tokenizer's mask token). The
    parts of a pair are changed each on its own. Images: shift, crop, rotate and, where asked for, flip, all in one
    step. Training rows only: the validation and test splits, and the rows of the `train` loss, are never changed.
    For whom: small models trained from scratch, and images. For networks without pretraining Wei and Zou (delete,
    swap and two more, on five sets of texts) report a mean accuracy of 0.67 → 0.765 with 1 % of the rows, and
    0.884 → 0.884 with all of them. For pretrained BERT, XLNet and RoBERTa, Longpre et al. find that the same operations
    fail to consistently improve results, also with few rows. If you fine-tune a pretrained text model, expect little,
    and keep it only when the validation loss says so.

Formula
    s is the expected share of words touched, the same for each operation on a text of n ≥ 2 words; [x] is x rounded
    up or down at random so that its expectation is x.
    delete:  each word goes with probability s; where all would go, one stays.
    swap:    [s·n/2] pairs of words change places; no word moves twice.
    crop:    [s·n] words are left out at the two ends together; ⌊(1 − s)·n⌋ or more, and at least one, stay.
    mask:    each word is hidden with probability s; where all would be, one stays visible.
    For images each is uniform: shift in ±s of width and of height, crop keeps 1 − s to 1 of both sides, enlarged again,
    rotate in ±30·s degrees. flip is a probability. Outside of the image is the median colour of its border.
    A row's changes are a pure function of (seed, epoch, row): neither order nor a resume can alter them. Words stand
    between white space; in Chinese and Japanese each character is one.

Settings and defaults
    augmentation: s in [0, 1); 0, the default, is off: every row stays as it is. One number is the strength of all
    operations that suit the task and the tokenizer, flip excepted. Wei and Zou advise 0.05 up to 2,000 rows and 0.1
    above; much above 0.2 texts lose their meaning. For images 0.1 is ±10 % and ±3 degrees.
    augmentation: {delete, swap, crop, mask} for texts, {flip, shift, crop, rotate} for images: those left out are off.
    flip is off unless named, because a mirrored digit, letter or road sign is another class; 0.5 is usual for photos.
    token-classification: delete, only of words outside of entities, with their tags, and mask. seq2seq: delete, swap
    and mask, in the source only. causal-lm: refused, the text is its own label. An operation that is named and cannot
    act (a mask without a mask token, a flip of texts) is an error, never ignored.

Interactions
    Labels never change, though the meaning may: "not" can be deleted. Pairs, regression and inference suffer first,
    topics last. Rows are grouped into batches, and counted as too long, by their unchanged length. The objective is
    higher than the clean loss, as with dropout. It is the same kind of noise as dropout: with both, start lower.
    Texts of one word (a text in Thai, written without spaces, is one) cannot change.

Source
    Wei and Zou 2019, "EDA", section 2 and table 3: https://arxiv.org/abs/1901.11196. Longpre, Wang and DuBois
    2020, "How Effective is Task-Agnostic Data Augmentation for Pretrained Transformers?":
    https://arxiv.org/abs/2010.01764. Images, and when a flip is safe: Shorten and Khoshgoftaar 2019, "A survey on Image
    Data Augmentation for Deep Learning": https://doi.org/10.1186/s40537-019-0197-0.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from regtune.config.wording import choices
from regtune.data.augment_text import augment_tagged, augment_text, find_words, is_deletable
from regtune.errors import ConfigError
from regtune.regularization.base import Regularizer

if TYPE_CHECKING:
    from PIL.Image import Image

ON_TEXTS = ("delete", "swap", "crop", "mask")

# What suits each task; for one without any, augmentation is refused.
OPERATIONS: dict[str, tuple[str, ...]] = {
    "text-classification": ON_TEXTS,
    "multi-label": ON_TEXTS,
    "regression": ON_TEXTS,
    "token-classification": ("delete", "mask"),  # swap and crop would tear entities apart
    "seq2seq": ("delete", "swap", "mask"),  # crop would leave out of the source what the target still says
    "causal-lm": (),
    "image-classification": ("flip", "shift", "crop", "rotate"),
}
ONLY_WHEN_NAMED = ("flip",)


def operations(
    settings: float | Mapping[str, float], *, task: str, mask_token: str | None
) -> tuple[dict[str, float], tuple[str, ...]]:
    """(strength by operation, of those that are on; notes on what one number left out).

    settings: one strength, or strengths by operation. mask_token: the tokenizer's, None where it has none.
    Raises ConfigError naming every operation that was asked for and cannot act.
    """
    allowed = [name for name in OPERATIONS[task] if name != "mask" or mask_token is not None]
    if isinstance(settings, int | float):
        if settings == 0:
            return {}, ()
        strengths = {name: float(settings) for name in allowed if name not in ONLY_WHEN_NAMED}
        if not strengths:
            raise ConfigError(
                f"regularization.augmentation: no operation suits {task}, got {settings:g}, allowed is 0",
                hint="a language model's text is its own label: changed words would be learnt as right",
            )
        left_out = "mask" in OPERATIONS[task] and "mask" not in allowed
        return strengths, ("augmentation leaves mask out: the tokenizer has no mask token",) if left_out else ()
    problems = [
        f"regularization.augmentation.{name}: {_reason(name, task)}, got {strength:g}; {_allowed(allowed, task)}"
        for name, strength in settings.items()
        if strength > 0 and name not in allowed
    ]
    if problems:
        raise ConfigError(*problems, hint="`regtune explain augmentation` says what each operation does")
    # In the table's order, whatever the file's: the operation is drawn by place, and a run must repeat.
    return {name: settings[name] for name in allowed if settings.get(name, 0.0) > 0}, ()


def _reason(name: str, task: str) -> str:
    return "the tokenizer has no mask token" if name in OPERATIONS[task] else f"does not suit {task}"


def _allowed(allowed: Sequence[str], task: str) -> str:
    return f"{choices(allowed, last='and')} can act" if allowed else f"none can act on {task}"


class Augmentation(Regularizer):
    """Changes training rows. Nothing else reaches it, so no other row can be changed.

    strengths: by operation, those that are on, each in (0, 1); empty changes nothing. seed: the run's. In each method
    epoch counts from 0, row is the place among the training rows, and what did not change is returned as it is.
    """

    def __init__(self, strengths: Mapping[str, float], *, seed: int, mask_token: str | None = None) -> None:
        self.strengths, self.seed, self.mask_token = dict(strengths), seed, mask_token

    def augment_texts(self, texts: Sequence[str], *, epoch: int, row: int) -> Sequence[str]:
        """The parts of one row, one text or two, each changed on its own."""
        if not self.strengths:
            return texts
        generator = self._generator(epoch, row)
        return [
            augment_text(text, *self._draw(generator), generator, mask_token=self.mask_token)  # one operation a text
            for text in texts
        ]

    def augment_tagged(
        self, words: Sequence[str], tags: Sequence[str], *, epoch: int, row: int
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Words and their tags, still aligned."""
        if not self.strengths:
            return words, tags
        generator = self._generator(epoch, row)
        return augment_tagged(words, tags, *self._draw(generator), generator, mask_token=self.mask_token)

    def augment_image(self, image: Image, *, epoch: int, row: int) -> Image:
        """An image of mode L or RGB, same size and mode."""
        from regtune.data.augment_image import augment_image, draw_change

        return augment_image(image, draw_change(self.strengths, self._generator(epoch, row)))

    def reaches_text(self, text: str) -> bool:
        """Whether some epoch can change this text."""
        return bool(self.strengths) and len(find_words(text)) > 1

    def reaches_tagged(self, tags: Sequence[str]) -> bool:
        """Whether some epoch can change a row with these tags, one a word."""
        can_act = "mask" in self.strengths or any(is_deletable(tags, place) for place in range(len(tags)))
        return bool(self.strengths) and len(tags) > 1 and can_act

    def _generator(self, epoch: int, row: int) -> random.Random:
        return random.Random(f"augment {self.seed} {epoch} {row}")

    def _draw(self, generator: random.Random) -> tuple[str, float]:
        return generator.choice(list(self.strengths.items()))
