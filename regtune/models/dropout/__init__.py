"""One dropout number, the same meaning in every architecture: after each attention layer, after each feed-forward layer
and before the final layer; none inside the attention computation.

How it works, without knowing any architecture by name: trace a probe forward and find the knob that each dropout call
obeys (`knobs`), hook dropout in where a branch or the head has none (`hooks`), divide modules that serve attention
probabilities and other sites alike (`split`), find what each config field governs (`fields`), decide which field and
which knob gets which value (`plan`) and check by a second trace that the model obeys (`check`); `placement` does these
in order and is the place to start reading. `drop_path` is a technique of its own: it skips whole branches.
"""

from regtune.models.dropout.drop_path import set_drop_path
from regtune.models.dropout.placement import Placement, list_sites, place_dropout

__all__ = ["Placement", "list_sites", "place_dropout", "set_drop_path"]
