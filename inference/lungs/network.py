"""A small U-Net (Ronneberger et al. 2015) that tells lung from everything else. Under a million parameters."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 128
"""Rows and columns of the input: a pixel is about 3 mm of a chest, as fine as outlines drawn by two readers agree."""

WIDTHS = (24, 48, 80, 112)
"""Channels at 1/2, 1/4, 1/8 and 1/16 of the input: the last sees the whole chest."""


class LungNetwork(nn.Module):
    """From films float32 (n, 1, side, side), standardised, to logits (n, 1, side, side): above 0 is lung.

    The finest level works on blocks of 2 x 2 pixels as four channels, and its answer is spread out again: a quarter of the
    arithmetic of a U-Net that works on pixels. ``side`` is a multiple of 16.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.down = nn.ModuleList(_block(i, o) for i, o in pairwise((4, *widths)))
        self.up = nn.ModuleList(_block(coarse + fine, fine) for fine, coarse in reversed(list(pairwise(widths))))
        self.head = nn.Conv2d(widths[0], 4, kernel_size=1)

    def forward(self, films: Tensor) -> Tensor:
        """Return the logits of lung, of the films' own shape."""
        level = functional.pixel_unshuffle(films, 2)
        levels = []
        for number, block in enumerate(self.down):
            level = block(functional.max_pool2d(level, 2) if number else level)
            levels.append(level)
        for block, fine in zip(self.up, reversed(levels[:-1]), strict=True):
            coarse = functional.interpolate(level, scale_factor=2.0, mode="bilinear", align_corners=False)
            level = block(torch.cat([coarse, fine], dim=1))
        return functional.pixel_shuffle(self.head(level), 2)


def _block(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(*_layer(channels_in, channels_out), *_layer(channels_out, channels_out))


def _layer(channels_in: int, channels_out: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)
