"""A config file that cannot be read says why in one line."""

import pytest

from regtune.config import load_config
from regtune.errors import ConfigError

VALID = b"data: {train: a.csv}\n"


def problem(path):
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    (line,) = caught.value.problems
    return line


def test_a_path_or_its_text_loads(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(VALID)

    assert load_config(path) == load_config(str(path))


def test_a_utf8_mark_is_accepted(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + VALID)

    assert load_config(path).data.train == "a.csv"


def test_a_near_file_name_is_suggested(tmp_path):
    (tmp_path / "small.yaml").write_bytes(VALID)
    path = tmp_path / "smal.yaml"

    assert problem(path) == f"{path}: no such file, did you mean {tmp_path / 'small.yaml'}?"


def test_without_a_near_name_the_file_is_just_missing(tmp_path):
    assert problem(tmp_path / "a.yaml") == f"{tmp_path / 'a.yaml'}: no such file"


def test_a_missing_folder_is_named(tmp_path):
    path = tmp_path / "none" / "a.yaml"

    assert problem(path) == f"{path}: no such file, nor a folder {path.parent}"


def test_a_folder_is_no_config_and_its_first_config_is_suggested(tmp_path):
    (tmp_path / "b.yaml").write_bytes(VALID)

    with pytest.raises(ConfigError, match="is a folder, not a config file") as caught:
        load_config(tmp_path)

    assert caught.value.hint == f"did you mean {tmp_path / 'b.yaml'}?"


def test_a_data_file_is_told_from_a_config(tmp_path):
    path = tmp_path / "tickets.csv"

    assert problem(path) == f"{path}: is a data file by its name, not a config"


def test_a_file_below_a_file_cannot_be_read(tmp_path):
    (tmp_path / "a.yaml").write_bytes(VALID)
    path = tmp_path / "a.yaml" / "b.yaml"

    assert problem(path) == f"{path}: cannot be read: Not a directory"


def test_a_byte_that_is_not_utf8_is_named_with_its_line(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"data:\n  train: caf\xe9.csv\n")

    assert problem(path) == f"{path}:2: byte 0xe9 is not UTF-8"


def test_utf16_is_named(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes("data: {train: a}".encode("utf-16"))

    assert problem(path) == f"{path}:1: is UTF-16"


def test_a_huge_file_is_refused_without_reading_it_all(tmp_path):
    path = tmp_path / "a.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)

    assert problem(path) == f"{path}: is larger than 1,000,000 bytes, too large for a config"


def test_a_problem_carries_the_path_as_given(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(VALID + b"model: 3\n")

    assert problem(path) == f"{path}:2: model: must be text or a section with the keys name, finetune and lora, got 3"
