"""The loss of a small batch of every task, worked out by hand: which units there are, and what they weigh."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from regtune.config.schema import Config, DataSettings
from regtune.data.encode import EncodedRows
from regtune.models.tiny import piece_tokenizer, tiny_tokenizer
from regtune.regularization.smoothing import smooth
from regtune.run import Run
from regtune.tasks import TASKS
from regtune.tasks.base import IGNORED, Task, entropy
from regtune.training.processes import Processes
from regtune.training.setup import prepare
from regtune.training.train import make_trainer

SETTINGS = DataSettings(train="rows.csv", max_length=12, max_target_length=6)
UNEVEN = torch.log(torch.tensor([0.5, 0.25, 0.25]))  # logits of these three probabilities


def sums_and_units(task: Task, logits: Tensor, labels: Tensor) -> tuple[list[float], list[int]]:
    units = task.units(logits, labels)
    sums, counts = task.row_losses(units, len(labels))
    assert task.count_units(labels) == counts.sum()
    return sums.tolist(), counts.tolist()


@pytest.mark.parametrize("name", ["text-classification", "image-classification"])
def test_a_row_of_one_class_is_one_unit(name: str) -> None:
    sums, units = sums_and_units(TASKS[name], torch.stack([UNEVEN, UNEVEN]), torch.tensor([0, 2]))

    assert sums == pytest.approx([math.log(2), math.log(4)])
    assert units == [1, 1]


def test_multi_label_sums_binary_cross_entropy_over_the_labels_of_a_row() -> None:
    """sigmoid(0) = ½, sigmoid(ln 3) = ¾: −ln ½ − ln ¾ where the first is absent and the second present."""
    logits, labels = torch.tensor([[0.0, math.log(3)]]), torch.tensor([[0, 1]])

    sums, units = sums_and_units(TASKS["multi-label"], logits, labels)

    assert sums == pytest.approx([math.log(2) + math.log(4 / 3)])
    assert units == [1]
    theirs = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels.float(), reduction="sum")
    assert sums == pytest.approx([theirs.item()])


def test_multi_label_smoothing_goes_to_one_half_per_label() -> None:
    """ε = 0.1 makes present 0.9 and absent 0.1, as binary cross entropy with these targets."""
    task = TASKS["multi-label"]
    logits, labels = torch.tensor([[0.3, -1.2]]), torch.tensor([[0, 1]])
    units = task.units(logits, labels)

    losses = task.objective(units.logits, smooth(task.hard_targets(units), 0.1))

    theirs = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor([[0.1, 0.9]]), reduction="none")
    torch.testing.assert_close(losses, theirs[0])


def test_regression_is_squared_error() -> None:
    sums, units = sums_and_units(TASKS["regression"], torch.tensor([[1.5], [4.0]]), torch.tensor([1.0, 2.0]))

    assert (sums, units) == ([0.25, 4.0], [1, 1])


def test_token_classification_ignores_padding_and_further_pieces() -> None:
    """Row 0 has two answered tokens, row 1 one: −ln ½ − ln ¼, and −ln ¼."""
    logits = UNEVEN.expand(2, 4, 3)
    labels = torch.tensor([[IGNORED, 0, 1, IGNORED], [IGNORED, 2, IGNORED, IGNORED]])

    sums, units = sums_and_units(TASKS["token-classification"], logits, labels)

    assert sums == pytest.approx([math.log(2) + math.log(4), math.log(4)])
    assert units == [2, 1]


def test_causal_lm_predicts_each_token_from_those_before_it() -> None:
    """The first token is predicted by nothing, the logits behind the last token predict nothing."""
    logits = UNEVEN.expand(1, 3, 3)

    sums, units = sums_and_units(TASKS["causal-lm"], logits, torch.tensor([[2, 0, 1]]))

    assert sums == pytest.approx([math.log(2) + math.log(4)])
    assert units == [2]


def test_seq2seq_answers_for_every_target_token_but_padding() -> None:
    sums, units = sums_and_units(TASKS["seq2seq"], UNEVEN.expand(1, 3, 3), torch.tensor([[0, 1, IGNORED]]))

    assert sums == pytest.approx([math.log(2) + math.log(4)])
    assert units == [2]


# ---- what becomes a unit ---------------------------------------------------------------------------------------------

WORDS = tiny_tokenizer(["red apple green pear"], max_length=64)
PIECES = piece_tokenizer(["red apple green pear on the table"] * 9, max_length=8)


def encode(name: str, inputs: list[tuple[object, ...]], targets: list[object], processor: object) -> EncodedRows:
    task = TASKS[name]
    names = task.label_names(targets)
    return task.encode_labelled(inputs, targets, label_names=names, processor=processor, settings=SETTINGS)


def test_a_pair_is_encoded_as_one_row_with_two_types() -> None:
    rows = encode("text-classification", [("red apple", "green"), ("pear", "red")], ["a", "b"], WORDS)

    assert WORDS.decode(rows[0]["input_ids"]) == "[CLS] red apple [SEP] green [SEP]"
    assert rows[0]["token_type_ids"] == [0, 0, 0, 0, 1, 1]


def test_the_first_piece_of_a_word_answers_for_it() -> None:
    rows = encode("token-classification", [(("red", "xyz", "apple"),)], [("O", "B-x", "O")], PIECES)

    pieces = PIECES.convert_ids_to_tokens(rows[0]["input_ids"])
    assert pieces == ["red", "Ġ", "x", "y", "z", "Ġapple", "<end>"]
    assert rows[0]["answers_for"] == [1, 2, 0, 0, 0, 3, 0]
    assert rows[0]["labels"] == [0, 1, *[IGNORED] * 3, 0, IGNORED]


def test_words_reach_a_byte_level_tokenizer_as_in_running_text() -> None:
    """Given one by one, `apple` would lose its space, and with it the token the model knows."""
    rows = encode("token-classification", [(("red", "apple"),)], [("O", "B-x")], PIECES)

    assert rows[0]["input_ids"] == PIECES("red apple")["input_ids"]


def test_words_beyond_max_length_have_no_unit_and_are_counted() -> None:
    rows = encode("token-classification", [(("pear",) * 20,)], [("O",) * 19 + ("B-x",)], PIECES)

    assert len(rows[0]["labels"]) == 12
    assert (rows[0]["words"], rows.truncated) == (20, 1)


def test_only_the_completion_and_its_end_are_learnt() -> None:
    rows = encode("causal-lm", [("red apple",)], [" on the table"], PIECES)

    kept = [token for token, label in zip(rows[0]["input_ids"], rows[0]["labels"], strict=True) if label != IGNORED]
    assert PIECES.decode(kept) == " on the table<end>"
    assert PIECES.decode(rows[0]["input_ids"]) == "red apple on the table<end>"


def test_a_text_without_completion_is_learnt_whole_with_one_end() -> None:
    """The tokenizer puts an end behind every text by itself: it must not stand twice."""
    rows = encode("causal-lm", [("red apple",)], [None], PIECES)

    assert rows[0]["labels"] == rows[0]["input_ids"] == PIECES("red apple")["input_ids"]


def test_a_text_to_continue_has_no_end() -> None:
    rows = TASKS["causal-lm"].encode([("red apple",)], processor=PIECES, settings=SETTINGS)

    assert rows[0]["input_ids"] == PIECES("red apple")["input_ids"][:-1]


@pytest.mark.parametrize(("count", "is_cut"), [(11, False), (12, True), (400, True)])
def test_long_texts_are_cut_without_a_word_from_the_tokenizer(
    count: int, is_cut: bool, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """11 tokens and the end are 12; the tokenizer itself was made for 8 and says so of longer texts."""
    rows = encode("causal-lm", [(" pear" * count,)], [None], PIECES)

    assert (len(rows[0]["input_ids"]), rows.is_truncated) == (12, [is_cut])
    assert (capsys.readouterr().err, caplog.text) == ("", "")


def test_a_prompt_that_fills_max_length_is_counted_in_a_note() -> None:
    rows = encode("causal-lm", [("red " * 30,), ("red",)], ["apple", "pear"], PIECES)

    notes = TASKS["causal-lm"].row_notes(rows, side="train", settings=SETTINGS)

    assert notes == [
        "1 of 2 train rows are longer than 12 tokens and were cut",
        "1 of 2 train rows have a prompt that fills data.max_length (12 tokens): nothing of them is learnt or scored",
    ]


def test_a_target_that_was_cut_is_counted_in_a_note() -> None:
    rows = encode("seq2seq", [("red",), ("pear",)], ["red " * 30, "apple"], PIECES)

    assert TASKS["seq2seq"].row_notes(rows, side="test", settings=SETTINGS) == [
        "1 of 2 test rows have a source longer than 12 or a target longer than 6 tokens, which was cut"
    ]


# ---- chance and class weights ----------------------------------------------------------------------------------------


def labelled(labels: list[object]) -> EncodedRows:
    features = [{"labels": label} for label in labels]
    return EncodedRows(features, gold=labels, lengths=[1] * len(labels), is_truncated=[False] * len(labels))


def test_chance_of_classes_is_the_entropy_of_their_shares() -> None:
    expected = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)

    assert TASKS["text-classification"].chance_loss(labelled([0, 0, 0, 1])) == pytest.approx(expected)
    assert entropy(Counter(a=3, b=1, never=0)) == pytest.approx(expected)


def test_chance_of_labels_is_the_sum_of_the_entropies_of_each() -> None:
    """Label 0 is in half of the rows (ln 2), label 1 in none (0)."""
    assert TASKS["multi-label"].chance_loss(labelled([[1, 0], [0, 0]])) == pytest.approx(math.log(2))


def test_chance_of_numbers_is_their_variance() -> None:
    assert TASKS["regression"].chance_loss(labelled([1.0, 3.0])) == 1.0


@pytest.mark.parametrize("name", ["causal-lm", "seq2seq"])
def test_chance_of_tokens_counts_what_is_learnt(name: str) -> None:
    """Of causal-lm the first token is no unit; here it is ignored for both."""
    rows = labelled([[IGNORED, 5, 7], [IGNORED, 5, 7, IGNORED]])

    assert TASKS[name].chance_loss(rows) == pytest.approx(math.log(2))


def test_balanced_weights_by_hand() -> None:
    """Six units, two classes that occur: 6 / (2 · 4) = 0.75 and 6 / (2 · 2) = 1.5; the third never occurs."""
    rows = labelled([0, 0, 0, 0, 1, 1])

    weights = TASKS["text-classification"].balanced_weights(rows, classes=3)

    assert weights.tolist() == [0.75, 1.5, 0.0]
    assert float(weights[torch.tensor([0, 0, 0, 0, 1, 1])].mean()) == 1.0


def test_balanced_weights_of_tags_count_words() -> None:
    rows = labelled([[IGNORED, 0, 0, 1], [IGNORED, 0, IGNORED]])

    assert TASKS["token-classification"].balanced_weights(rows, classes=2).tolist() == pytest.approx([2 / 3, 2.0])


def test_class_weights_act_on_the_objective_and_not_on_the_loss(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    """The objective of a batch is the mean of its losses, each times the weight of its tag."""
    off = ("regularization.smoothing=0", "regularization.dropout=0")
    plain = prepare(make_config("token-classification", *off))
    weighted = prepare(make_config("token-classification", *off, "training.class_weights=balanced"))
    assert weighted.class_weights is not None
    task, batch = plain.task, plain.scorer.collate([plain.train[0], plain.train[1]])
    units = task.units(plain.loaded.model.eval()(**task.model_inputs(batch)).logits, batch["labels"])
    expected = (task.clean_losses(units) * weighted.class_weights[units.labels]).sum() / len(units.labels)

    trainer = make_trainer(Run(tmp_path), weighted, Processes())
    objective = trainer.compute_loss(weighted.loaded.model.eval(), dict(batch), num_items_in_batch=len(units.labels))

    assert float(objective.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    losses = [setup.scorer(setup.validation).losses for setup in (plain, weighted)]
    assert np.array_equal(*losses)
