"""What a traced forward pass has seen so far: the lineage of every living tensor, dropout calls, branches, weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from regtune.models.trace.lineage import Lineage, Residual, Segment


@dataclass(frozen=True, kw_only=True)
class DropoutCall:
    """One execution of dropout."""

    index: int
    path: str  # of the module whose forward, or hook, made the call
    probability: float
    on_probabilities: bool  # inside attention, on the softmax's output
    is_from_input: bool  # False: what is dropped is a table, the same for every input
    identity: int  # of the dropped tensor's lineage
    rank: int  # dimensions of the dropped tensor


@dataclass(frozen=True, kw_only=True)
class WeightCall:
    """One product with weights: where, and which dropout calls its input has gone through since the weights before."""

    path: str
    dropouts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One addend of a residual connection."""

    segment: Segment
    is_attention: bool
    is_convolution: bool  # of images, and not attention


@dataclass
class Recorder:
    """Grows during the probe forward. Tensors are held weakly: the probe needs no more memory than a forward."""

    module_stack: list[str] = field(default_factory=list)  # paths of the modules being executed, outermost first
    calls: list[DropoutCall] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    weights: list[WeightCall] = field(default_factory=list)
    embeddings: list[Lineage] = field(default_factory=list)  # what a first residual connection carried on
    returned: list[tuple[str, tuple[Segment, ...]]] = field(default_factory=list)  # by each call of each module
    _lineages: Any = field(default_factory=WeakTensorKeyDictionary)  # Tensor → Lineage
    _identities: int = 0

    @property
    def path(self) -> str:
        """Of the innermost module being executed; "" is the model itself."""
        return self.module_stack[-1]

    def new_identity(self) -> int:
        self._identities += 1
        return self._identities

    def lineage(self, tensor: Tensor) -> Lineage:
        """A tensor seen for the first time (weights, masks) starts a line of its own."""
        known: Lineage | None = self._lineages.get(tensor)
        return known or self.remember(tensor, Lineage(identity=self.new_identity()))

    def remember(self, tensor: Tensor, lineage: Lineage) -> Lineage:
        self._lineages[tensor] = lineage
        return lineage

    def remember_input(self, tensor: Tensor) -> None:
        """What descends from this tensor depends on the model's input."""
        self.remember(tensor, Lineage(identity=self.new_identity(), from_input=True))

    def record_dropout(
        self, source: Lineage, *, probability: float, on_probabilities: bool, identity: int, rank: int
    ) -> int:
        """Index of the new call. identity: of the dropout's result. rank: dimensions of what is dropped."""
        call = DropoutCall(
            index=len(self.calls),
            path=self.path,
            probability=probability,
            on_probabilities=on_probabilities,
            is_from_input=source.from_input,
            identity=identity,
            rank=rank,
        )
        self.calls.append(call)
        return call.index

    def new_product(self) -> frozenset[int]:
        """The number of a product of activations or of a convolution."""
        return frozenset({self.new_identity()})

    def record_residual(self, residual: Residual, *, rank: int) -> None:
        """rank: dimensions of the sum; images have 4."""
        if residual.stream.depth == 0:
            self.embeddings.append(residual.stream)
        self.retract(residual.retracted)
        self.branches += [
            Branch(segment=segment, is_attention=True, is_convolution=False) for segment in residual.overlooked
        ]
        self.branches += [
            Branch(
                segment=segment,
                is_attention=bool(segment.attentions - residual.attentions),
                is_convolution=rank == 4
                and bool(segment.convolutions - residual.convolutions)
                and not segment.attentions,
            )
            for segment in residual.branch
        ]

    def record_return(self, path: str, output: Lineage) -> None:
        """output: of the module's call that ends."""
        self.returned.append((path, output.ends_in))
        for segment in output.ends_in:
            segment.output_of.append(path)

    def modules_with_another_use(self) -> frozenset[str]:
        """Paths of modules that at some call returned something else than a branch."""
        branches = {branch.segment for branch in self.branches}
        return frozenset(path for path, segments in self.returned if not segments or not branches.issuperset(segments))

    def retract(self, segments: tuple[Segment, ...]) -> None:
        """Forget branches that turned out to be parts of something else."""
        self.branches = [branch for branch in self.branches if branch.segment not in segments]


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Every tensor in nested tuples, lists and mappings, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)
