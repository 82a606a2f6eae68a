"""Where a tensor of the probe forward came from: enough to tell a residual connection from any other addition."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False, kw_only=True)
class Segment:
    """A run of operations since the last residual addition, ending in its latest weights or attention product.

    Compared by identity: two branches with equal facts are still two branches.
    """

    has_attention: bool = False  # two activations were multiplied on the way
    is_projected: bool = False  # weights came after the last such product
    dropouts: tuple[int, ...] = ()  # indices of the dropout calls since the latest weights
    output_of: list[str] = field(default_factory=list)  # modules that returned exactly this, innermost first

    @property
    def is_finished(self) -> bool:
        """Can be a whole branch; attention scores and unprojected attention outputs cannot."""
        return self.is_projected or not self.has_attention


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """The history of one tensor."""

    identity: int  # equal for a tensor and its reshaped or scaled selves
    ancestors: int = 0  # bit i is set: descends from the tensor with identity i
    segments: tuple[Segment, ...] = ()  # empty on the residual stream
    from_input: bool = False  # depends on the model's input; weights and masks made from nothing do not
    is_probability: bool = False  # a softmax's output, reshaped or dropped at most
    dropouts: tuple[int, ...] = ()  # dropout calls since the latest weights, however the branch is cut
    last_weights: int = -1  # index of the latest weight operation it descends from
    depth: int = 0  # residual additions passed

    def descends_from(self, other: Lineage) -> bool:
        return bool(self.ancestors >> other.identity & 1)


def merged_segments(lineages: list[Lineage]) -> tuple[Segment, ...]:
    """Every segment of every lineage once, in order."""
    return tuple(dict.fromkeys(segment for lineage in lineages for segment in lineage.segments))


@dataclass(frozen=True, kw_only=True)
class Residual:
    """An addition that is a residual connection. branch: what the other addend did on its own."""

    stream: Lineage
    branch: tuple[Segment, ...]


def residual_of(first: Lineage, second: Lineage) -> Residual | None:
    """What adding the two means: a residual connection, or None for any other addition.

    It is one when an addend descends from the other and did something of its own on the way. A finished branch that
    joins the stream from further back (DeBERTa adds a convolution of the embeddings to the first layer's output) counts
    as well.
    """
    for stream, other in ((first, second), (second, first)):
        branch = tuple(segment for segment in other.segments if segment not in stream.segments)
        is_stream = stream.depth > 0 and not stream.segments
        if branch and all(segment.is_finished for segment in branch) and (other.descends_from(stream) or is_stream):
            return Residual(stream=stream, branch=branch)
    return None
