"""Dropout: in training, a random share of the activations is zero, another share at every step.

What it does
    Drops after every attention layer, after every feed-forward layer and before the final layer (the classifier, or the
    layer that scores the vocabulary); not inside the attention computation: attention probabilities stay whole unless
    asked for. The meaning is the same for every architecture. Where the model's own config field governs these sites it
    is set (and saved with the model), where the architecture has no dropout, a hook is added, which is saved nowhere:
    the run folder's model loads with transformers alone. In evaluation dropout is off.
    dropout_coverage.md beside this file lists every architecture of transformers with the sites reached, how, and what
    was verified; where dropout cannot be placed as asked, training stops before it starts, with the reason.

Formula
    Training: y = x·m/(1 − p), with m = 0 with probability p and 1 otherwise, drawn for each number. Evaluation: y = x.
    The first paper, and most explanations, leave x·m as it is in training and multiply by 1 − p in evaluation. Both
    are the same in expectation, E[y] = x and E[y] = (1 − p)·x on either side; the form used here ("inverted", as in
    torch) needs nothing in evaluation, so that a model loads anywhere unchanged.

Settings and defaults
    dropout: p in [0, 1); 0 is off; 0.5 was usual for older networks, near 1 nothing is left to learn from. Default 0.1,
    the value the common encoders were pretrained with: on small data a pretrained model already has the features it
    needs, and much more noise than it was trained with costs accuracy sooner than it stops overfitting. Go to 0.3 when
    the gap between train and validation loss stays large.
    dropout: {hidden, classifier, attention, embedding} sets the kinds of sites one by one. Left out: hidden 0,
    classifier as hidden, attention 0, embedding as the architecture couples it.
    dropout: keep changes nothing; attention dropout then has the model's own value, 0.1 in many encoders.

Interactions
    One config field governs hidden and embedding dropout in BERT and its relatives: the embedding follows hidden, and
    the effect panel says so. Inside a feed-forward layer the model's own value stays.
    Convolutions of images (ResNet, ConvNeXT) get no dropout: neighbouring pixels tell what was dropped, and their batch
    norms see another variance in training than in evaluation. Their final layer follows; drop_path is for the rest.
    Activation checkpointing replays the same masks. LoRA: placed after the adapters, on what they add as well.
    torch.compile: placed before compiling; a hook added to a model that has run compiled would not act.
    The training objective is higher than the clean loss on the same rows, because dropout is on: compare only clean
    losses. With smoothing and weight decay it stacks; where all act, p = 0.1 is often enough, and more of each leads to
    underfitting. p above 0 that reaches no site of the model is an error, never ignored.

Source
    Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", section 4 and, for the
    scaling, section 10: https://jmlr.org/papers/v15/srivastava14a.html. Placement: Vaswani et al. 2017, section 5.4
    ("to the output of each sub-layer, before it is added to the sub-layer input"): https://arxiv.org/abs/1706.03762.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from regtune.regularization.base import Regularizer

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from regtune.config.schema import DropoutSettings
    from regtune.models.dropout import Placement


class Dropout(Regularizer):
    """settings: one p for hidden sites and the classifier, p by kind of site, or "keep".

    `placement` is known once `adjust_model` has run: every site with its p, and what there is to say about them.
    """

    placement: Placement

    def __init__(self, settings: float | Literal["keep"] | DropoutSettings) -> None:
        self.settings = settings

    def adjust_model(self, model: PreTrainedModel, probe: dict[str, Tensor]) -> None:
        """Place the dropout asked for. Raises ConfigError where the model cannot have it."""
        from regtune.models.dropout import Placement, list_sites, place_dropout

        if isinstance(self.settings, str):
            note = "keep: every site has the model's own value"
            self.placement = Placement(sites=list_sites(model, probe), notes=(note,))
        elif isinstance(self.settings, int | float):
            self.placement = place_dropout(model, probe, hidden=self.settings)
        else:
            self.placement = place_dropout(
                model,
                probe,
                hidden=self.settings.hidden,
                classifier=self.settings.classifier,
                attention=self.settings.attention,
                embedding=self.settings.embedding,
            )
