"""Gradients of a batch that several processes share: Σ_r ∇(Σ losses of r's rows / rows of all) is that of the batch.

Why not DistributedDataParallel: it counts on every process making exactly one forward pass through all parameters. Here
a process may have no row of a small last batch, a technique may make two passes, a frozen encoder's features may be
cached, and a parameter may go unused. What is given up is the overlap of communication with the backward pass; models
that small data can train are small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor
from torch.nn import Parameter

BUCKET_NUMBERS = 16_777_216  # gradients that travel together, 64 MB in float32: bounds the copy that is made


def sum_gradients(parameters: Iterable[Parameter], *, sum_numbers: Callable[[Tensor], None]) -> None:
    """Replace every gradient by its sum over all processes.

    sum_numbers: replaces a tensor by its sum over them; reached by all, equally often. A gradient that no process has
    stays absent (None), so that AdamW leaves its parameter alone, as it does with one process.
    """
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    having = torch.tensor([float(parameter.grad is not None) for parameter in trained], device=trained[0].device)
    sum_numbers(having)  # processes that have this gradient
    used = [parameter for parameter, count in zip(trained, having.tolist(), strict=True) if count > 0]
    for bucket in in_buckets(used):
        gradients = [_gradient(parameter) for parameter in bucket]
        together = torch.cat([gradient.reshape(-1) for gradient in gradients])
        sum_numbers(together)
        for gradient, summed in zip(gradients, together.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(summed.view_as(gradient))


def _gradient(parameter: Parameter) -> Tensor:
    """The parameter's gradient; zeros, given to it, where this process has none."""
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def in_buckets(parameters: Iterable[Parameter]) -> Iterator[list[Parameter]]:
    """Parameters in order, as many together as BUCKET_NUMBERS allows; a larger one alone."""
    bucket: list[Parameter] = []
    numbers = 0
    for parameter in parameters:
        if bucket and numbers + parameter.numel() > BUCKET_NUMBERS:
            yield bucket
            bucket, numbers = [], 0
        bucket.append(parameter)
        numbers += parameter.numel()
    if bucket:
        yield bucket
