"""The small network of article E (Keras; "Detecting COVID-19 using deep learning"): four convolutions in three blocks."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from inference.networks.cells import CellGrid
from inference.networks.keras import class_logits, start_as_keras


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3), nn.ReLU())  # not in place: Grad-CAM reads the block's output


def _cells_left(size: int) -> int:
    """Return the rows of the map that enters the linear layers."""
    size = (size - 4) // 2
    for _ in range(2):
        size = (size - 2) // 2
    return size


class SmallCnn(nn.Module):
    """Films (n, channels, size, size) to logits (n, 2), by one logit of the first class.

    5,723,457 parameters with three channels of 224 x 224.
    """

    def __init__(self, channels: int = 3, size: int = 224) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            *(_block(channels, 32), _block(32, 128), nn.MaxPool2d(2), nn.Dropout(0.25)),
            *(_block(128, 64), nn.MaxPool2d(2), nn.Dropout(0.25)),
        )
        self.last = _block(64, 128)
        flat = 128 * _cells_left(size) ** 2
        self.head = nn.Sequential(
            nn.Dropout(0.25), nn.Flatten(), nn.Linear(flat, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 1)
        )
        start_as_keras(self)

    @property
    def target_layer(self) -> nn.Module:
        """Return the last convolution with its ReLU, whose output Grad-CAM explains."""
        return self.last

    @property
    def cell_grid(self) -> CellGrid:
        """Return where the cells of ``target_layer`` lie: 4 pixels apart, nothing padded."""
        grid = CellGrid().convolution(3, 0).convolution(3, 0).pooling()
        return grid.convolution(3, 0).pooling().convolution(3, 0)

    @property
    def layer_groups(self) -> list[list[nn.Module]]:
        """Return the convolutions and the linear layers."""
        return [[self.convolutions, self.last], [self.head]]

    def body(self, films: Tensor) -> Tensor:
        """Return what enters the last convolution."""
        return self.convolutions(films)  # type: ignore[no-any-return]

    def classify(self, features: Tensor) -> Tensor:
        """Return logits (n, 2) of the last convolution's output."""
        return class_logits(self.head(F.max_pool2d(features, 2)))

    def forward(self, films: Tensor) -> Tensor:
        """Return logits (n, 2)."""
        return self.classify(self.last(self.body(films)))
