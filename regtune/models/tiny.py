"""`model: tiny`: a small model of 2 layers and its tokenizer, both built from scratch on the training texts.

For smoke runs and tests: no package, no network, seconds. It knows nothing before training, so its numbers show that
a config works, not what a pretrained model would reach.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE, WordLevel
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer, ByteLevel
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from transformers import (
    BartConfig,
    BertConfig,
    LlamaConfig,
    PretrainedConfig,
    PreTrainedTokenizerFast,
    ViTConfig,
    ViTImageProcessorPil,
)

from regtune.tasks.base import Processor

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
END, PADDING = "<end>", "<pad>"
PIECES = 1_000  # of words, the 256 bytes among them
LONGEST_CONTINUATION = 1_024  # tokens that can be written behind a prompt of full length
LARGEST_VOCABULARY = 4_000  # words and signs, special tokens not counted

# Standard deviation of fresh weights, about 1/√width: a layer then gives values of the size it reads. The usual 0.02 is
# that of a width of 2,500; with 64 or 128 it makes attention so even that most of the training goes into leaving it.
SPREAD = 0.1


def tiny_encoder(
    texts: Sequence[str], max_length: int, head: Mapping[str, Any]
) -> tuple[BertConfig, PreTrainedTokenizerFast]:
    """The smallest BERT that still learns a few hundred texts. head: the config fields of the classifier."""
    tokenizer = tiny_tokenizer(texts, max_length=max_length)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=max_length,
        pad_token_id=tokenizer.pad_token_id,
        **head,
    )
    return config, tokenizer


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


def commonest_words(words: Iterator[str], *, limit: int) -> list[str]:
    """The `limit` commonest words, commonest first; equal counts in the order of their text, so that it is stable."""
    counts = Counter(words)
    return sorted(counts, key=lambda word: (-counts[word], word))[:limit]


def _words(texts: Sequence[str], tokenizer: Tokenizer) -> Iterator[str]:
    """Words as the tokenizer itself will split them."""
    for text in texts:
        normal = tokenizer.normalizer.normalize_str(text)
        yield from (word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))


def tiny_decoder(
    texts: Sequence[str], max_length: int, head: Mapping[str, Any]
) -> tuple[LlamaConfig, PreTrainedTokenizerFast]:
    """A Llama of 2 layers over pieces of words, which it can put together to any text."""
    tokenizer = piece_tokenizer(texts, max_length=max_length)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=256,
        max_position_embeddings=max_length + LONGEST_CONTINUATION,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=True,
        initializer_range=SPREAD,
        **head,
    )
    return config, tokenizer


def tiny_encoder_decoder(
    texts: Sequence[str], max_length: int, head: Mapping[str, Any]
) -> tuple[BartConfig, PreTrainedTokenizerFast]:
    """A BART of 2 + 2 layers over pieces of words."""
    tokenizer = piece_tokenizer(texts, max_length=max_length)
    config = BartConfig(
        vocab_size=len(tokenizer),
        d_model=128,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=256,
        decoder_ffn_dim=256,
        max_position_embeddings=max_length,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.eos_token_id,
        forced_eos_token_id=None,
        init_std=SPREAD,
        scale_embedding=True,  # by √width: the tied output layer needs small embeddings, the first layer large ones
        **head,
    )
    return config, tokenizer


def piece_tokenizer(texts: Sequence[str], *, max_length: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer trained on `texts`: every text has tokens, and tokens give the text back."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    special = [END, PADDING]
    trainer = BpeTrainer(
        vocab_size=PIECES, special_tokens=special, initial_alphabet=ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, tokenizer.token_to_id(END))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        model_input_names=["input_ids", "attention_mask"],
        eos_token=END,
        pad_token=PADDING,
    )


def tiny_vision(
    texts: Sequence[str], max_length: int, head: Mapping[str, Any]
) -> tuple[ViTConfig, ViTImageProcessorPil]:
    """A vision transformer of 2 layers that sees 32 × 32 pixels in patches of 4."""
    processor = ViTImageProcessorPil(size={"height": 32, "width": 32})
    config = ViTConfig(
        image_size=32,
        patch_size=4,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        initializer_range=SPREAD,
        **head,
    )
    return config, processor


# By the Auto class of the task: (training texts, tokens a row may have, config fields of the head) → config, processor
TINY: dict[str, Callable[[Sequence[str], int, Mapping[str, Any]], tuple[PretrainedConfig, Processor]]] = {
    "AutoModelForSequenceClassification": tiny_encoder,
    "AutoModelForTokenClassification": tiny_encoder,
    "AutoModelForCausalLM": tiny_decoder,
    "AutoModelForSeq2SeqLM": tiny_encoder_decoder,
    "AutoModelForImageClassification": tiny_vision,
}
