"""Names of the torch operations that the tracer tells apart, as `function.__name__` spells them.

An operation in none of these sets counts as elementwise: the result is what its operand was, only changed in value.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


DROPOUTS = _names("dropout dropout_ dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout native_dropout")

# One call that holds softmax, dropout and the product with the values.
FUSED_ATTENTION = _names("scaled_dot_product_attention")

SOFTMAXES = _names("softmax softmax_ _softmax")

# The factors of these are operands 0 and 1; of the accumulating ones (bias first), operands 1 and 2.
ACCUMULATING_PRODUCTS = _names("addmm addmm_ baddbmm baddbmm_ addbmm addmv")
PRODUCTS = ACCUMULATING_PRODUCTS | _names(
    "linear bilinear matmul __matmul__ __rmatmul__ bmm mm mv einsum tensordot dot inner _grouped_mm grouped_mm"
)

CONVOLUTIONS = _names("conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d")

ADDITIONS = _names("add add_ __add__ __radd__ __iadd__")

SCALINGS = _names("mul mul_ __mul__ __rmul__ __imul__ multiply div div_ __truediv__ __itruediv__ sub sub_ __sub__")

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
