"""Families of torch operations, told apart by name as `function.__name__` spells it, and one call of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from regtune.models.trace.lineage import Lineage


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


DROPOUTS = _names("dropout dropout_ dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout native_dropout")

# One call that holds softmax, dropout and the product with the values.
FUSED_ATTENTION = _names("scaled_dot_product_attention")

# The same with all projections inside: what nn.MultiheadAttention calls.
WHOLE_ATTENTION = _names("multi_head_attention_forward")

# They mix all positions as attention does, without weights or products (FNet).
FOURIER_TRANSFORMS = _names("fft_fft fft_fft2 fft_fftn fft_rfft fft_rfft2 fft_rfftn")

SOFTMAXES = _names("softmax softmax_ _softmax")

# The factors of these are operands 0 and 1; of the accumulating ones (bias first), operands 1 and 2.
ACCUMULATING_PRODUCTS = _names("addmm addmm_ baddbmm baddbmm_ addbmm addmv")
PRODUCTS = ACCUMULATING_PRODUCTS | _names(
    "linear bilinear matmul __matmul__ __rmatmul__ bmm mm mv einsum tensordot dot inner _grouped_mm grouped_mm"
)

CONVOLUTIONS = _names("conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d")

ADDITIONS = _names("add add_ __add__ __radd__ __iadd__")

MULTIPLICATIONS = _names("mul mul_ __mul__ __rmul__ __imul__ multiply")
SCALINGS = MULTIPLICATIONS | _names("div div_ __truediv__ __itruediv__ sub sub_ __sub__")

# The same values under another shape or type: still the same tensor to a residual connection.
RESHAPINGS = _names(
    "view reshape transpose permute contiguous to type_as float half bfloat16 type clone squeeze unsqueeze flatten "
    "unflatten t T mT movedim swapaxes detach alias view_as reshape_as requires_grad_"
)

# Some of the values: no longer the same tensor, but what was dropped stays dropped.
SELECTIONS = _names(
    "__getitem__ select index_select gather take_along_dim narrow split chunk unbind expand repeat "
    "mean sum max amax masked_fill masked_fill_ nan_to_num clamp"
)

JOINS = _names(
    "cat concat stack hstack vstack where index_add index_add_ index_copy_ index_put index_put_ scatter scatter_ "
    "scatter_add scatter_add_ masked_scatter"
)

# Reading from a table with indices that depend on the input: the result depends on the table alone.
LOOKUPS = _names("__getitem__ index_select gather take take_along_dim")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A torch call about to be judged. operands: every tensor among the arguments, in order."""

    name: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    operands: list[Tensor]
    lineages: list[Lineage]  # of the operands

    def argument(self, position: int, keyword: str, *, default: Any) -> Any:
        if len(self.arguments) > position:
            return self.arguments[position]
        return self.keywords.get(keyword, default)

    @property
    def active(self) -> list[Lineage]:
        """Of the operands that depend on the model's input."""
        return [lineage for lineage in self.lineages if lineage.from_input]

    @property
    def factors(self) -> list[Lineage]:
        """Of what a product multiplies."""
        if self.name == "einsum":
            return self.lineages
        return self.lineages[1:3] if self.name in ACCUMULATING_PRODUCTS else self.lineages[:2]
