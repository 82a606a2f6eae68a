import copy
import pickle

import pytest
import torch
from torch import nn

from regtune.models.dropout.hooks import InputDropout, OutputDropout, added_dropouts


def hooked(p: float) -> nn.Module:
    module = nn.Identity()
    module.register_forward_hook(OutputDropout(p))
    return module


def test_zeros_a_share_p_and_keeps_the_mean() -> None:
    torch.manual_seed(0)

    dropped = hooked(0.3)(torch.ones(100_000))

    # standard error of the mean: √(0.3/0.7/100000) = 0.002
    assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.01)


def test_off_in_evaluation() -> None:
    ones = torch.ones(100)

    assert torch.equal(hooked(0.3).eval()(ones), ones)


def test_the_same_masks_as_the_dropout_module() -> None:
    ones = torch.ones(100)

    torch.manual_seed(0)
    ours = hooked(0.3)(ones)
    torch.manual_seed(0)
    assert torch.equal(ours, nn.Dropout(0.3)(ones))


def test_only_the_first_item_of_a_tuple_is_dropped() -> None:
    first, second = OutputDropout(1.0)(nn.Identity(), (), (torch.ones(4), torch.ones(4)))

    assert first.sum() == 0
    assert second.sum() == 4


def test_the_input_of_a_layer_is_dropped() -> None:
    layer = nn.Linear(8, 2)
    layer.register_forward_pre_hook(InputDropout(1.0))

    assert torch.equal(layer(torch.ones(1, 8))[0], layer.bias)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_is_copied_with_the_module(copied) -> None:
    module = copied(hooked(0.3))

    assert [hook.p for hook in added_dropouts(module)] == [0.3]


def test_adds_no_state() -> None:
    assert hooked(0.3).state_dict() == {}
