"""The 17-convolution LeakyReLU network (DarkCovidNet; Ozturk et al., Comput. Biol. Med. 2020).

Restated layer by layer, with its peculiarities: every 1 x 1 convolution is padded by 1, so the map grows by two cells at
each; the head is a convolution to the classes, ReLU, batch normalisation and a linear layer over all 13 x 13 cells.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from inference.networks.cells import CellGrid

SIZE = 256
"""The input is SIZE x SIZE: the linear head fixes it."""
_CELLS = 13


def _block(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.1),  # not in place: Grad-CAM reads the block's output
    )


def _triple(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(_block(inputs, outputs, 3), _block(outputs, inputs, 1), _block(inputs, outputs, 3))


class DarkCovidNet(nn.Module):
    """Films (n, channels, 256, 256), standardised, to logits (n, classes).

    Parameters, with three channels: 1,167,586 for three classes, 1,164,434 for two.
    """

    def __init__(self, classes: int, channels: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(_block(channels, 8, 3), nn.MaxPool2d(2), _block(8, 16, 3), nn.MaxPool2d(2))
        self.triples = nn.Sequential(
            _triple(16, 32), nn.MaxPool2d(2), _triple(32, 64), nn.MaxPool2d(2), _triple(64, 128), nn.MaxPool2d(2)
        )
        self.deep = _triple(128, 256)
        self.squeeze = _block(256, 128, 1)
        self.last = _block(128, 256, 3)
        self.to_classes = nn.Sequential(nn.Conv2d(256, classes, 3, padding=1, bias=False), nn.ReLU(), nn.BatchNorm2d(classes))
        self.head = nn.Linear(_CELLS * _CELLS * classes, classes)

    @property
    def target_layer(self) -> nn.Module:
        """Return the block whose output (n, 256, 13, 13) Grad-CAM explains."""
        return self.last

    @property
    def cell_grid(self) -> CellGrid:
        """Return where the 13 x 13 cells of ``target_layer`` lie: 32 pixels apart, the outer ones beyond the film."""
        grid = CellGrid()
        for _ in range(2):
            grid = grid.convolution(3, 1).pooling()
        for pooled in (True, True, True, False):
            grid = grid.convolution(3, 1).convolution(1, 1).convolution(3, 1)
            grid = grid.pooling() if pooled else grid
        return grid.convolution(1, 1).convolution(3, 1)

    @property
    def layer_groups(self) -> list[list[nn.Module]]:
        """Return the body, and the head from the convolution to the classes on."""
        return [[self.stem, self.triples, self.deep, self.squeeze, self.last], [self.to_classes, self.head]]

    def body(self, films: Tensor) -> Tensor:
        """Return what enters the last block, (n, 128, 13, 13)."""
        return self.squeeze(self.deep(self.triples(self.stem(films))))  # type: ignore[no-any-return]

    def classify(self, features: Tensor) -> Tensor:
        """Return logits (n, classes) of the last block's output (n, 256, 13, 13)."""
        return self.head(torch.flatten(self.to_classes(features), 1))  # type: ignore[no-any-return]

    def forward(self, films: Tensor) -> Tensor:
        """Return logits (n, classes)."""
        return self.classify(self.last(self.body(films)))
