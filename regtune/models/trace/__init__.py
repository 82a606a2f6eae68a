"""Find what matters to dropout in any model, from one probe forward: dropout calls, residual branches, the head.

How it works: each tensor carries its history (`lineage`), each torch call (`operations`) passes it on to its result
(`rules`), what happens on the way is noted (`recorder`), and once the forward, which leaves the model as it was
(`probing`), is over the structure shows itself (`forward`). No name of a module or an architecture is looked at:

    residual connection   x + f(x): an addend descends from the other
    branch                f: attention when two activations are multiplied in it, or all positions are mixed by a
                          Fourier transform; a convolution when it mixes neighbouring pixels; else feed-forward
    end of a branch       its last product with weights; a dropout after it covers the branch
    head                  the last product with weights before the logits

What the probe does not execute is not seen, nor is a branch that has neither weights nor products (average pooling).
"""

from regtune.models.trace.forward import Trace, TracedBranch, TracedHead, TracedSite, trace_forward
from regtune.models.trace.probing import module_configs, random_state_kept

__all__ = [
    "Trace",
    "TracedBranch",
    "TracedHead",
    "TracedSite",
    "module_configs",
    "random_state_kept",
    "trace_forward",
]
