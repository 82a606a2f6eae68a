import re

import pytest
import torch
import torch.nn.functional as F

from regtune.errors import ConfigError
from regtune.regularization.smoothing import Smoothing, check, smooth, soft_target
from regtune.tasks import TASKS

CLASSES = (2, 3, 4, 10, 100)


def one_hot(labels: list[int], classes: int) -> torch.Tensor:
    return F.one_hot(torch.tensor(labels), classes).float()


def random_rows(rows: int, classes: int) -> torch.Tensor:
    return torch.rand(rows, classes, generator=torch.Generator().manual_seed(0)).softmax(-1)


def test_four_classes_share_a_tenth() -> None:
    row = smooth(one_hot([2], 4), 0.1)

    # 1 − 0.1 = 0.9 stays; 0.1 / 3 = 0.0333 goes to each of the other three.
    torch.testing.assert_close(row, torch.tensor([[0.1 / 3, 0.1 / 3, 0.9, 0.1 / 3]]))


@pytest.mark.parametrize("classes", CLASSES)
def test_loss_is_that_of_torch_with_its_share_over_all_classes(classes: int) -> None:
    logits = torch.randn(64, classes, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    labels = torch.arange(64) % classes
    targets = smooth(F.one_hot(labels, classes).double(), 0.1)

    ours = -(targets * logits.log_softmax(-1)).sum(-1).mean()

    torch_share = 0.1 * classes / (classes - 1)
    torch.testing.assert_close(ours, F.cross_entropy(logits, labels, label_smoothing=torch_share))


def test_zero_is_bit_equal() -> None:
    targets = torch.cat([one_hot([0, 3, 1], 4), random_rows(5, 4)])

    assert torch.equal(Smoothing(0.0).soften_targets(targets), targets)


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("strength", [0.0, 0.1, 0.5])
def test_rows_still_sum_to_one(classes: int, strength: float) -> None:
    rows = smooth(torch.cat([one_hot([0, 1], classes), random_rows(8, classes)]), strength)

    torch.testing.assert_close(rows.sum(-1), torch.ones(10))


def test_a_soft_row_is_the_mean_of_its_hard_rows_smoothed() -> None:
    mixed = 0.7 * one_hot([0], 3) + 0.3 * one_hot([2], 3)

    expected = 0.7 * smooth(one_hot([0], 3), 0.2) + 0.3 * smooth(one_hot([2], 3), 0.2)

    torch.testing.assert_close(smooth(mixed, 0.2), expected)


def test_a_row_of_zeros_stays_zero() -> None:
    assert smooth(torch.zeros(1, 5), 0.3).abs().max() == 0


def test_the_gradient_is_probabilities_minus_soft_targets() -> None:
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(2), requires_grad=True)
    targets = smooth(one_hot([0, 1, 2, 3, 0, 1], 4), 0.1)

    TASKS["text-classification"].objective(logits, targets).sum().backward()

    torch.testing.assert_close(logits.grad, logits.detach().softmax(-1) - targets)


@pytest.mark.parametrize("classes", CLASSES)
def test_soft_target_is_what_class_zero_is_trained_on(classes: int) -> None:
    true, other = soft_target(classes, 0.1)
    row = torch.tensor([true, *[other] * (classes - 1)])

    torch.testing.assert_close(row, smooth(one_hot([0], classes), 0.1)[0])


@pytest.mark.parametrize(("strength", "classes"), [(0.5, 2), (0.9, 10), (0.75, 4), (0.0, 2)])
def test_strengths_up_to_the_bound_are_accepted(strength: float, classes: int) -> None:
    check(strength, classes)


@pytest.mark.parametrize(
    ("strength", "classes", "text"),
    [
        (0.6, 2, "at most (K − 1)/K = 0.5 for K = 2 classes, got 0.6, which leaves the true class 0.4"),
        (0.95, 10, "at most (K − 1)/K = 0.9 for K = 10 classes, got 0.95, which leaves the true class 0.05"),
    ],
)
def test_a_strength_that_hides_the_true_class_is_refused(strength: float, classes: int, text: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)):
        check(strength, classes)
