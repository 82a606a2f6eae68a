"""The techniques. Each is one file here, whose docstring is its method card, and one line in REGULARIZERS."""

from regtune.regularization.base import Regularizer
from regtune.regularization.dropout import Dropout
from regtune.regularization.patience import Patience
from regtune.regularization.smoothing import Smoothing
from regtune.regularization.weight_decay import WeightDecay

REGULARIZERS: dict[str, type[Regularizer]] = {
    "dropout": Dropout,
    "weight_decay": WeightDecay,
    "patience": Patience,
    "smoothing": Smoothing,
}
