from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from regtune.models.tiny import SPECIAL_TOKENS, commonest_words, tiny_encoder, tiny_tokenizer

TEXTS = ["The parcel is late!", "the PARCEL, again", "Refund the money?"]


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    return tiny_tokenizer(TEXTS, max_length=16)


def test_commonest_words_come_first_and_ties_in_text_order() -> None:
    assert commonest_words(iter("baccbd"), limit=3) == ["b", "c", "a"]


def test_vocabulary_is_lower_cased_words_and_signs(tokenizer: PreTrainedTokenizerFast) -> None:
    words = [word for word, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]

    # "the" 3 times, "parcel" twice, the rest once and in text order
    assert words == [*SPECIAL_TOKENS.values(), "the", "parcel", "!", ",", "?", "again", "is", "late", "money", "refund"]


def test_vocabulary_is_bounded() -> None:
    texts = [f"word{index}" for index in range(5_000)]

    assert len(tiny_tokenizer(texts, max_length=16)) == 4_000 + len(SPECIAL_TOKENS)


def test_vocabulary_does_not_depend_on_the_order_of_the_texts(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tiny_tokenizer(TEXTS[::-1], max_length=16).get_vocab() == tokenizer.get_vocab()


def test_a_text_is_wrapped_and_unknown_words_are_marked(tokenizer: PreTrainedTokenizerFast) -> None:
    tokens = tokenizer("The zebra is late").tokens()

    assert tokens == ["[CLS]", "the", "[UNK]", "is", "late", "[SEP]"]


def test_the_second_text_of_a_pair_has_type_one(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokenizer("late", "refund").token_type_ids == [0, 0, 0, 1, 1]


def test_a_saved_tokenizer_loads_as_any_other(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)

    loaded = AutoTokenizer.from_pretrained(tmp_path)

    assert loaded(TEXTS, TEXTS, padding=True).data == tokenizer(TEXTS, TEXTS, padding=True).data
    assert (loaded.pad_token, loaded.mask_token, loaded.model_max_length) == ("[PAD]", "[MASK]", 16)


def test_config_fits_the_tokenizer() -> None:
    config, _ = tiny_encoder(TEXTS, 16, {"num_labels": 4})

    assert (config.vocab_size, config.max_position_embeddings, config.num_labels) == (15, 16, 4)
    assert (config.num_hidden_layers, config.hidden_size, config.intermediate_size) == (2, 64, 128)
