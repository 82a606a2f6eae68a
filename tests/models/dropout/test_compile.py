"""Dropout and torch.compile, with the backend that compiles nothing: what Dynamo captures is what runs."""

import torch
from torch import Tensor

from regtune.models.dropout import place_dropout


def logits(model, probe: dict[str, Tensor]) -> Tensor:
    torch.manual_seed(0)
    with torch.no_grad():
        return model(**probe).logits


def test_hooks_placed_before_compiling_act(build, probe) -> None:
    """One test for both facts: capturing takes seconds."""
    model = build("llama", num_hidden_layers=1)
    plain = logits(model, probe)
    place_dropout(model.train(), probe, hidden=0.2)
    dropped = logits(model, probe)

    compiled = logits(torch.compile(model, backend="eager"), probe)

    assert not torch.equal(compiled, plain)
    assert torch.equal(compiled, dropped)  # the same masks
