"""Where a tensor of the probe forward came from: enough to tell a residual connection from any other addition."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, eq=False, kw_only=True)
class Segment:
    """A run of operations since the last residual addition, ending in its latest weights or attention product.

    Compared by identity: two branches with equal facts are still two branches.
    """

    attentions: frozenset[int] = frozenset()  # products of two activations on the way, each with a number of its own
    convolutions: frozenset[int] = frozenset()  # the same for convolutions that mix neighbouring pixels
    is_projected: bool = False  # weights came after the last such product
    dropouts: tuple[int, ...] = ()  # indices of the dropout calls since the latest weights
    output_of: list[str] = field(default_factory=list)  # modules that returned exactly this, innermost first

    @property
    def is_finished(self) -> bool:
        """Can be a whole branch; attention scores and unprojected attention outputs cannot."""
        return self.is_projected or not self.attentions


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """The history of one tensor."""

    identity: int  # equal for a tensor and its reshaped or scaled selves
    ancestors: int = 0  # bit i is set: descends from the tensor with identity i
    segments: tuple[Segment, ...] = ()  # empty on the residual stream
    from_input: bool = False  # depends on the model's input; weights and masks made from nothing do not
    is_probability: bool = False  # a softmax's output, reshaped or dropped at most
    dropouts: tuple[int, ...] = ()  # dropout calls since the latest weights, however the branch is cut
    last_weights: tuple[int, ...] = ()  # indices of the latest weights, one for each tensor that was joined
    depth: int = 0  # residual additions passed
    nested: Nested | None = None  # set by the latest residual addition, until weights follow

    def descends_from(self, other: Lineage) -> bool:
        return bool(self.ancestors >> other.identity & 1)

    @property
    def ends_in(self) -> tuple[Segment, ...]:
        """Every segment that a module returning this tensor returns."""
        return self.segments + (self.nested.outer if self.nested else ())


@dataclass(frozen=True, kw_only=True)
class Nested:
    """A residual addition whose stream came straight from weights: y + g(y) with y = f(x).

    Mostly a layer after an embedding's projection. When x is added before any further weights, it was one branch of x
    (Inkling's short convolutions), and when it is multiplied with activations, it was a part of attention.
    """

    stream: Lineage  # y
    outer: tuple[Segment, ...]  # what f and g did
    inner: tuple[Segment, ...]  # what g did: recorded as a branch, which is forgotten if all of it was a part


def merged_segments(lineages: list[Lineage]) -> tuple[Segment, ...]:
    """Every segment of every lineage once, in order."""
    return tuple(dict.fromkeys(segment for lineage in lineages for segment in lineage.segments))


@dataclass(frozen=True, kw_only=True)
class Residual:
    """An addition that is a residual connection. branch: what the other addend did on its own."""

    stream: Lineage
    branch: tuple[Segment, ...]
    retracted: tuple[Segment, ...] = ()  # earlier branches that turn out to be parts of this one

    @property
    def nested(self) -> Nested | None:
        """What the sum is to remember; None on the plain residual stream."""
        if not self.stream.segments:
            return None
        outer = tuple(replace(segment, output_of=[]) for segment in (*self.stream.segments, *self.branch))
        return Nested(stream=self.stream, outer=outer, inner=self.branch)

    @property
    def overlooked(self) -> tuple[Segment, ...]:
        """Attention that the stream was added to, not descending from it: both come from one tensor, and the stream has
        been projected (Hiera, where a layer changes the width)."""
        attention = tuple(segment for segment in self.stream.segments if segment.attentions)
        return attention if len(attention) < len(self.stream.segments) else ()

    @property
    def attentions(self) -> frozenset[int]:
        """Products of two activations that were made in the stream, not in the branch."""
        return frozenset[int]().union(*(segment.attentions for segment in self.stream.segments))

    @property
    def convolutions(self) -> frozenset[int]:
        return frozenset[int]().union(*(segment.convolutions for segment in self.stream.segments))


def residual_of(first: Lineage, second: Lineage) -> Residual | None:
    """What adding the two means: a residual connection, or None for any other addition.

    It is one when an addend descends from the other and did something of its own on the way. Two more count as well:
    a finished branch that joins the stream from further back (DeBERTa adds a convolution of the embeddings to the first
    layer's output), and attention that is added to the learnt table which asked for it (Perceiver's latents).
    """
    for stream, other in ((first, second), (second, first)):
        branch = tuple(segment for segment in other.segments if segment not in stream.segments)
        is_stream = stream.depth > 0 and not stream.segments and not stream.descends_from(other)
        is_table = not stream.from_input and all(segment.attentions for segment in branch)
        belongs = other.descends_from(stream) or is_stream or is_table
        if branch and all(segment.is_finished for segment in branch) and belongs:
            return Residual(stream=stream, branch=branch)
    for stream, other in ((first, second), (second, first)):
        if other.nested and not other.segments and other.nested.stream.descends_from(stream):
            return Residual(stream=stream, branch=other.nested.outer, retracted=other.nested.inner)
    return None


def is_gate(factor: Lineage, *, of: Lineage) -> bool:
    """Whether a factor was computed, by weights, from the very tensor that it is multiplied with.

    Hyper-connections mix several residual streams by such gates: the product is the stream, only mixed.
    """
    is_later = max(factor.last_weights, default=-1) > max(of.last_weights, default=-1)
    return is_later and bool(factor.segments) and factor.descends_from(of)
