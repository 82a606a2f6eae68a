"""Tokens, truncation count and padding."""

from regtune.data.encode import encode_texts, pad_texts, with_labels
from regtune.models.tiny import tiny_tokenizer

TOKENIZER = tiny_tokenizer(["red apple", "green pear on the table"], max_length=64)


def test_truncated_counts_the_rows_that_lost_tokens() -> None:
    rows = encode_texts([("red apple",), ("green pear on the table",)], tokenizer=TOKENIZER, max_length=5)

    assert rows.truncated == 1
    assert rows.lengths == [4, 5]  # two words and two special tokens; five at most


def test_labels_stay_with_their_rows() -> None:
    rows = with_labels(encode_texts([("red apple",), ("green pear",)], tokenizer=TOKENIZER, max_length=8), [7, 3])

    assert [feature["labels"] for feature in rows.features] == [7, 3]


def test_a_batch_is_padded_to_its_longest_row_only() -> None:
    rows = with_labels(encode_texts([("red",), ("green pear on",)], tokenizer=TOKENIZER, max_length=64), [0, 1])

    batch = pad_texts(TOKENIZER)([rows[0], rows[1]])

    assert batch["input_ids"].shape == (2, 5)
    assert batch["attention_mask"].sum(1).tolist() == [3, 5]
    assert batch["labels"].tolist() == [0, 1]


def test_a_pair_is_encoded_together() -> None:
    rows = encode_texts([("red apple", "green pear")], tokenizer=TOKENIZER, max_length=64)

    assert TOKENIZER.decode(rows[0]["input_ids"]) == "[CLS] red apple [SEP] green pear [SEP]"
    assert rows[0]["token_type_ids"] == [0, 0, 0, 0, 1, 1, 1]
