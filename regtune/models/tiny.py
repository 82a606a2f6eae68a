"""`model: tiny`: a BERT of 2 layers and a word-level tokenizer, both built from scratch on the training texts.

For smoke runs and tests: no package, no network, seconds. It knows nothing before training, so its numbers show that
a config works, not what a pretrained model would reach.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, PreTrainedTokenizerFast

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
LARGEST_VOCABULARY = 4_000  # words and signs, special tokens not counted


def tiny_tokenizer(texts: Sequence[str], *, max_length: int) -> PreTrainedTokenizerFast:
    """A tokenizer that knows the commonest words of `texts`; every other word is [UNK]. max_length: tokens."""
    tokenizer = Tokenizer(WordLevel({}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()  # at spaces, and around each punctuation sign
    words = commonest_words(_words(texts, tokenizer), limit=LARGEST_VOCABULARY)
    vocabulary = {token: index for index, token in enumerate([*SPECIAL_TOKENS.values(), *words])}
    tokenizer.model = WordLevel(vocabulary, unk_token="[UNK]")
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **SPECIAL_TOKENS,
    )


def tiny_config(tokenizer: PreTrainedTokenizerFast, *, max_length: int, **head: Any) -> BertConfig:
    """The smallest BERT that still learns a few hundred texts. head: the config fields of the classifier."""
    return BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=max_length,
        pad_token_id=tokenizer.pad_token_id,
        **head,
    )


def commonest_words(words: Iterator[str], *, limit: int) -> list[str]:
    """The `limit` commonest words, commonest first; equal counts in the order of their text, so that it is stable."""
    counts = Counter(words)
    return sorted(counts, key=lambda word: (-counts[word], word))[:limit]


def _words(texts: Sequence[str], tokenizer: Tokenizer) -> Iterator[str]:
    """Words as the tokenizer itself will split them."""
    for text in texts:
        normal = tokenizer.normalizer.normalize_str(text)
        yield from (word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
