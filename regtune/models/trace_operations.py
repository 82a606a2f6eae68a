"""Names of the torch operations that the tracer tells apart, as `function.__name__` spells them.

An operation in none of these sets counts as elementwise: the result is what its operand was, only changed in value.
"""

from __future__ import annotations

DROPOUTS = frozenset(
    "dropout dropout_ dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout native_dropout".split()
)

# One call that holds softmax, dropout and the product with the values.
FUSED_ATTENTION = frozenset({"scaled_dot_product_attention"})

SOFTMAXES = frozenset({"softmax", "softmax_", "_softmax"})

# The factors of these are operands 0 and 1; of the accumulating ones (bias first), operands 1 and 2.
ACCUMULATING_PRODUCTS = frozenset("addmm addmm_ baddbmm baddbmm_ addbmm addmv".split())
PRODUCTS = ACCUMULATING_PRODUCTS | frozenset(
    "linear bilinear matmul __matmul__ __rmatmul__ bmm mm mv einsum tensordot dot inner _grouped_mm grouped_mm".split()
)

CONVOLUTIONS = frozenset("conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d".split())

ADDITIONS = frozenset("add add_ __add__ __radd__ __iadd__".split())

SCALINGS = frozenset(
    "mul mul_ __mul__ __rmul__ __imul__ multiply div div_ __truediv__ __itruediv__ sub sub_ __sub__".split()
)

# The same values under another shape or type: still the same tensor to a residual connection.
RESHAPINGS = frozenset(
    "view reshape transpose permute contiguous to type_as float half bfloat16 type clone squeeze unsqueeze flatten "
    "unflatten t T mT movedim swapaxes detach alias view_as reshape_as requires_grad_".split()
)

# Some of the values: no longer the same tensor, but what was dropped stays dropped.
SELECTIONS = frozenset(
    "__getitem__ select index_select gather take_along_dim narrow split chunk unbind expand repeat "
    "mean sum max amax masked_fill masked_fill_ nan_to_num clamp".split()
)

JOINS = frozenset(
    "cat concat stack hstack vstack where index_add index_add_ index_copy_ index_put index_put_ scatter scatter_ "
    "scatter_add scatter_add_ masked_scatter".split()
)

# Reading from a table with indices that depend on the input: the result depends on the table alone.
LOOKUPS = frozenset("__getitem__ index_select gather take take_along_dim".split())
