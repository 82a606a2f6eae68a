"""What a dropout site is. Kept apart from `dropout/`, which places it, and `trace/`, which finds it: both need these
names, and reports need them without torch.

A site is a module path together with a kind; a module called several times (the layers of ALBERT share one, the head of
RoBERTa calls one twice) is one site.

Kinds
    attention_output         after an attention layer: follows its last weights, before the residual addition
    feed_forward             the same, after a feed-forward or convolution layer
    classifier               on what enters the final layer
    embedding                before the first layer; DeBERTa's table of relative positions is one as well
    attention_probabilities  inside the attention computation, on the softmax's output
    inner                    anywhere else, e.g. between the two matrices of a feed-forward layer
    drop_path                a whole residual branch, skipped for some rows (stochastic depth)

Origins
    field NAME               the model's own module, set through that field of its config (so config.json says it too)
    module                   the model's own module, set directly: no field governs just the sites meant, or the module
                             of attention probabilities and other sites was divided (XLNet)
    added                    a hook of regtune's: the architecture has no dropout there
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DropoutKind = Literal["attention_output", "feed_forward", "classifier", "embedding", "attention_probabilities", "inner"]


@dataclass(frozen=True, kw_only=True)
class DropoutSite:
    """One place where activations are dropped in training. Sites with probability 0 are listed too."""

    path: str  # module path, e.g. "bert.encoder.layer.0.output.dropout"
    kind: str  # a DropoutKind or "drop_path"; report files are read back through this class
    probability: float
    origin: str  # "field hidden_dropout_prob" | "module" | "added"
