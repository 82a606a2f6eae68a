import pickle

import torch
from torch import nn

from regtune.models.dropout.split import SplitDropout, split_dropout


def test_probabilities_are_told_by_their_rank() -> None:
    dropout = SplitDropout(0.0, probabilities_rank=4)
    dropout.probabilities_p = 1.0

    assert dropout(torch.ones(2, 2, 3, 3)).sum() == 0
    assert dropout(torch.ones(2, 3, 8)).sum() == 48


def test_both_start_with_the_shared_value() -> None:
    dropout = SplitDropout(0.3, probabilities_rank=4)

    assert (dropout.p, dropout.probabilities_p) == (0.3, 0.3)


def test_off_in_evaluation() -> None:
    dropout = SplitDropout(0.5, probabilities_rank=4).eval()

    assert torch.equal(dropout(torch.ones(2, 3, 8)), torch.ones(2, 3, 8))


def test_takes_the_place_of_the_module_wherever_it_is() -> None:
    model = nn.Sequential(nn.Dropout(0.2), nn.Linear(2, 2), nn.Sequential())
    model[2].append(model[0])
    keys = list(model.state_dict())

    split_dropout(model, "0", probabilities_rank=4)

    assert type(model[0]) is SplitDropout
    assert model[2][0] is model[0]
    assert list(model.state_dict()) == keys


def test_is_picklable() -> None:
    copied = pickle.loads(pickle.dumps(SplitDropout(0.2, probabilities_rank=4)))

    assert (copied.p, copied.probabilities_rank) == (0.2, 4)
