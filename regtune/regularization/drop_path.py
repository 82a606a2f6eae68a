"""Drop path (stochastic depth): in training, each row of a batch skips some residual branches altogether.

What it does
    Dropout takes single activations away, drop path a whole branch: for a random share of the rows, what attention, a
    feed-forward layer or a convolution would add to the residual stream is left out. A deep network is trained as many
    shallower ones. Only architectures built with it have it (ConvNeXT, Swin, BEiT, DINOv2, PVT, SegFormer, … : the
    config field drop_path_rate); for any other a value above 0 is an error. In evaluation every branch is there.

Formula
    Training: x ← x + m·f(x)/(1 − p_l), with m = 0 with probability p_l and 1 otherwise, drawn for each row. Of L
    branches, counted from 0, branch l has p_l = p·l/(L − 1): 0 for the first, p for the last. Where an architecture
    spreads p otherwise (DINOv2: the same for all), that is kept. Evaluation: x ← x + f(x), the same in expectation.

Settings and defaults
    drop_path: p in [0, 1); 0 switches it off. Left out, the model keeps its own value: it is what its authors chose for
    its depth (0 to 0.1 for small models), most text models have none, and on small data dropout and early stopping come
    first. 0.1 to 0.2 when a vision model of 12 layers or more overfits; more is for training from scratch.
    A key of its own, beside dropout, not one of dropout's: it drops layers, not activations, and p = 0.1 of one is a
    much stronger step than p = 0.1 of the other.

Interactions
    Stacks with dropout, on the same branches: lower one when raising the other. Networks of convolutions (ConvNeXT),
    whose branches dropout leaves alone, are regularized by drop path instead. The value is written into the config, so
    that config.json of the saved model says it. Not the layer drop of BART and its relatives, which skips layers for
    the whole batch.

Source
    Huang et al. 2016, "Deep Networks with Stochastic Depth", section 3, the linear growth in its equation 4:
    https://arxiv.org/abs/1603.09382. There one draw serves the whole batch; here, as in the architectures' own code,
    each row has its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from regtune.regularization.base import Regularizer

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from regtune.models.dropout_sites import DropoutSite


class DropPath(Regularizer):
    """probability: of the last branch, in [0, 1); None leaves the model as it is. `sites`: what `adjust_model` set.

    Acts before `Dropout`, whose hooks may sit on modules that are replaced here.
    """

    def __init__(self, probability: float | None) -> None:
        self.probability = probability
        self.sites: tuple[DropoutSite, ...] = ()

    def adjust_model(self, model: PreTrainedModel, probe: dict[str, Tensor]) -> None:
        """Set it. Raises ConfigError where the architecture has none."""
        if self.probability is not None:
            from regtune.models.dropout import set_drop_path

            self.sites = set_drop_path(model, self.probability)
