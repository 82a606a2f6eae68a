"""2,000 mutated config files: each loads or raises ConfigError with one-line problems, never anything else."""

import random
import string

import pytest
import yaml

from regtune.config import load_config, parse_config
from regtune.config.keys import all_keys, child_keys
from regtune.errors import ConfigError

BASE = """\
task: text-classification
model:
  name: minilm
  finetune: lora
  lora: {rank: 8, alpha: 16, dropout: 0.0, save: merged}
data:
  train: demo:support
  validation: 0.2
  test: 0.2
  text: message
  label: intent
  tokens: null
  tags: null
  prompt: null
  completion: null
  source: null
  target: null
  image: null
  split_seed: null
  group: null
  max_length: 64
  max_target_length: 64
  label_separator: ";"
  encoding: utf-8
  separator: ","
  on_missing_label: error
  on_empty_text: drop
regularization:
  drop_path: 0.1
  dropout: {hidden: 0.1, classifier: 0.2, attention: 0, embedding: null}
  weight_decay: 0.01
  weight_decay_target: zero
  patience: 3
  min_delta: 0.0
  monitor: loss
  smoothing: 0.1
  augmentation: {delete: 0.1, swap: 0.1, crop: 0, mask: 0.1, flip: 0, shift: 0, rotate: 0}
training:
  epochs: 20
  learning_rate: 5e-5
  batch_size: 16
  accumulation: 1
  warmup: 0.1
  schedule: linear
  clip_norm: 1.0
  evaluations_per_epoch: 1
  seed: 0
  class_weights: none
  precision: float32
  device: auto
  report_to: [tensorboard]
output: runs/support
"""
VALUES = [
    "3",
    "-1",
    "1e999",
    "9" * 400,
    "true",
    "no",
    "null",
    "[]",
    "[1, [2]]",
    "{}",
    "{a: {b: c}}",
    '"3"',
    "''",
    ".nan",
]
VALUES += [
    "0.5",
    "1.0",
    "100",
    "1e-300",
    "-0",
    "010",
    "keep",
    "text",
    "'\\x00'",
    '"\\0"',
    '"\\e[2J"',
    "*a",
    "&a 1",
    "!t 1",
    "?",
]
KILLERS = [
    "a: &a [*a]",
    "a: !!python/object/apply:os.system [true]",
    "a: !!python/name:os.system",
    "data: !!set {a, b}",
    "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)),
    "&" + "a" * 5_000 + " b: c",
    "[" * 20_000,
    "{a: " * 20_000,
    "- " * 20_000,
    "? " * 20_000,
    "".join(" " * depth + "a:\n" for depth in range(300)),
    "training: {epochs: " + "9" * 5000 + "}",
    "training: {learning_rate: 1" + "0" * 5000 + ".5}",
    "training: {learning_rate: 1e-" + "9" * 5000 + "}",
    "a: " + "x" * 1_000_001,
    "".join(f"key{number}: {number}\n" for number in range(9_000)),
    "training: {report_to: [" + "1," * 20_000 + "]}",
    "k" * 100_000 + ": 1",
    "? " + "k" * 2_000 + "\n: 1",
    "data: {train: a}\n...\ndata: {train: b}",
    "--- a\n--- b",
    "%YAML 3.0\n---\na: b",
    "%TAG ! tag:x,2000:\n---\na: !b c",
    "<<: {train: a}",
    "data: {train: a}\ntraining: {<<: *d}",
    "\ufeffdata: {train: a}",
    "\ufeff\ufeffdata: {train: a}",
    "a:\tb",
    "\ta: b",
    "a: |\n  b\n c",
    "a: >9\n b",
    'a: "\\UFFFFFFFF"',
    'a: "\\ud800"',
    "a\x85b: \u2028c",
    "data:\r  train: a\r",
    "'a\n\n  b': c",
    '"a\\nb": "\\r\\n"',
    ": ",
    "?",
    "!",
    "&",
    "*",
    "|",
    "=",
    "null",
]


def typo(word, random_source):
    """One edit: a letter left out, doubled, replaced, added, or two swapped."""
    place = random_source.randrange(len(word))
    letter = random_source.choice(string.ascii_lowercase + "_")
    return random_source.choice(
        [
            word[:place] + word[place + 1 :],
            word[:place] + word[place] + word[place:],
            word[:place] + letter + word[place + 1 :],
            word[:place] + letter + word[place:],
            word[:place] + word[place : place + 2][::-1] + word[place + 2 :],
        ]
    )


def structured(random_source):
    """The base file with one or two lines spoilt: key typo, other value, nesting, duplicate, removal, move."""
    lines = BASE.splitlines()
    for _ in range(random_source.randint(1, 2)):
        place = random_source.randrange(len(lines))
        indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
        key, _, value = lines[place].strip().partition(":")
        misspelt = typo(typo(key or "k", random_source) or "k", random_source)
        lines[place : place + 1] = random_source.choice(
            [
                [f"{indent}{misspelt}:{value}"],
                [f"{indent}{key}: {random_source.choice(VALUES)}"],
                [f"{indent}{key}: {{{key}: {random_source.choice(VALUES)}}}"],
                [lines[place], lines[place]],
                [],
                [lines[place], random_source.choice(lines)],
                [f"{indent}  {key}:{value}"],
                [f"{indent}{key}:"],
            ]
        )
    return "\n".join(lines).encode()


def byte_mutated(random_source):
    """The base file with 1 to 8 random bytes replaced, inserted or removed, or a piece cut off or repeated."""
    content = bytearray(BASE.encode())
    for _ in range(random_source.randint(1, 8)):
        place = random_source.randrange(len(content))
        action = random_source.randrange(5)
        if action == 0:
            content[place] = random_source.randrange(256)
        elif action == 1:
            content.insert(place, random_source.choice(b"\x00\t\n :#-?[]{},&*!|>'\"%@`\xff\xc3"))
        elif action == 2:
            del content[place]
        elif action == 3:
            content[place:place] = content[place : place + random_source.randrange(40)]
        elif len(content) > 200:
            del content[-random_source.randrange(1, 100) :]
    return bytes(content)


def random_tree(random_source, depth=0):
    """Nested plain values whose keys are often real ones."""
    names = sorted({str(part) for key in all_keys() for part in key})
    kind = random_source.randrange(8 if depth < 5 else 6)
    if depth == 0 or kind == 7:
        keys = [random_source.choice([*names, "ключ", "", "a.b"]) for _ in range(random_source.randrange(6))]
        return {key: random_tree(random_source, depth + 1) for key in keys}
    if kind == 6:
        return [random_tree(random_source, depth + 1) for _ in range(random_source.randrange(4))]
    word = "".join(random_source.choice("ab\x1b\n\u2028é😀\t:#") for _ in range(random_source.randrange(100)))
    number = random_source.choice([0, -1, 2**40, 10**30, 7])
    return random_source.choice([None, True, number, random_source.uniform(-2, 2), word, float("inf")])


def mutant(number, random_source):
    """40 % structured, 30 % bytes, 20 % trees, 10 % known killers."""
    share = number % 10
    if share < 4:
        return structured(random_source)
    if share < 7:
        return byte_mutated(random_source)
    if share < 9:
        return yaml.safe_dump(random_tree(random_source), allow_unicode=True).encode()
    return KILLERS[number // 10 % len(KILLERS)].encode("utf-8", "surrogatepass")


def problems_of(path):
    """None for a config that loads."""
    try:
        load_config(path)
    except ConfigError as error:
        return error.problems
    return None


def is_one_harmless_line(problem):
    return problem.strip() != "" and problem.isprintable()  # no line break is printable


@pytest.mark.parametrize("seed", range(10))
def test_two_hundred_mutants_load_or_explain(tmp_path, seed):
    random_source = random.Random(seed)
    path = tmp_path / "mutant.yaml"
    for number in range(200):
        path.write_bytes(mutant(seed * 200 + number, random_source))
        problems = problems_of(path)

        assert problems is None or 1 <= len(problems) <= 21
        assert all(is_one_harmless_line(problem) for problem in problems or [])


def test_the_base_file_loads_and_has_every_key():
    config = parse_config(BASE, name="a.yaml")

    assert all(f"{key[-1]}:" in BASE for key in all_keys())
    assert config.regularization.dropout.hidden == 0.1


def test_nearly_every_single_typo_of_a_key_suggests_the_right_key():
    """At least 95 %: what remains are short words halfway between two keys, such as `tet`."""
    random_source = random.Random(0)
    right = total = 0
    for key in all_keys():
        for _ in range(20):
            word = typo(key[-1], random_source)
            if word in ("", *child_keys(key[:-1])):
                continue
            line = suggestion_for((*key[:-1], word))
            total += 1
            right += f"did you mean {key[-1]}?" in line or f"did you mean {'.'.join(key)}?" in line

    assert right / total >= 0.95, f"{right} of {total}"


def suggestion_for(path):
    text = "".join(f"{'  ' * depth}{part}:\n" for depth, part in enumerate(path))
    with pytest.raises(ConfigError) as caught:
        parse_config(text, name="a.yaml")
    place = f": {'.'.join(path)}: "
    (line,) = [line for line in caught.value.problems if place in line]
    return line
