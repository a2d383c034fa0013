"""What Keras does otherwise than torch, for the networks first published in Keras."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Module = TypeVar("Module", bound=nn.Module)


def start_as_keras(network: Module) -> Module:
    """Give every convolution and linear layer Keras' default start, Glorot uniform with bias 0, and return the network."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


def class_logits(logit: Tensor) -> Tensor:
    """Return logits (n, 2) of two classes for the one logit (n, 1) of the first of them.

    Their softmax is the sigmoid of the one logit, and their cross-entropy its binary cross-entropy.
    """
    return torch.cat((logit, -logit), dim=1) / 2


class SameConvolution(nn.Conv2d):
    """A convolution that keeps the size of the map ("same"), also with an even kernel, and ReLU.

    Of an odd number of padded rows (columns) the larger part is below (on the right), as in TensorFlow.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__(inputs, outputs, kernel)
        before = same_padding(kernel)
        self.surround = (before, kernel - 1 - before) * 2

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (n, outputs, rows, columns) >= 0 of maps (n, inputs, rows, columns)."""
        surrounded = F.pad(maps, self.surround)
        if self.kernel_size[1] > _WIDEST:
            return F.relu(_in_halves(surrounded, self.weight, self.bias))
        return F.relu(super().forward(surrounded))


_WIDEST = 8
"""Columns of the widest kernel for which oneDNN has a fast backward pass."""


def _in_halves(maps: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return the same convolution as one of half as wide a kernel over the maps and, as further channels, the maps shifted.

    The backward pass of a 16 x 16 kernel as it stands takes three times as long on a CPU, and with weights in
    channels_last, as in training here, 150 times: 12 seconds a film.
    """
    half = weight.shape[-1] // 2
    beside = torch.cat((maps[..., :-half], maps[..., half:]), dim=1)
    return F.conv2d(beside, torch.cat((weight[..., :half], weight[..., half:]), dim=1), bias)


def same_padding(kernel: int) -> int:
    """Return the rows padded above and the columns padded on the left."""
    return (kernel - 1) // 2
