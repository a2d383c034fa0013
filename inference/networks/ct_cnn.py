"""The three networks of article C, for slices of the lungs (Keras; "Can a CNN diagnose COVID-19 from lungs CT scans?")."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from inference.networks.cells import CellGrid
from inference.networks.keras import SameConvolution, class_logits, same_padding, start_as_keras

_BOTTLENECK = ((128, 0.4), (64, 0.5), (8, 0.3))
"""Units of the linear layers, and the part of each that is dropped."""


class CtCnn(nn.Module):
    """Slices (n, channels, size, size) to logits (n, 2).

    Convolutions of (outputs, kernel), each with ReLU and pooling of 2 x 2, then linear layers of (units, dropout) with ReLU
    and one logit of the first class.
    """

    def __init__(
        self, convolutions: tuple[tuple[int, int], ...], linear: tuple[tuple[int, float], ...], channels: int, size: int
    ) -> None:
        super().__init__()
        widths = [channels, *(outputs for outputs, _ in convolutions)]
        self.kernels = [kernel for _, kernel in convolutions]
        layers = [SameConvolution(widths[i], widths[i + 1], kernel) for i, kernel in enumerate(self.kernels)]
        self.convolutions = nn.ModuleList(layers[:-1])
        self.last = layers[-1]
        self.head = _linear_layers(widths[-1] * (size // 2 ** len(layers)) ** 2, linear)
        start_as_keras(self)

    @property
    def target_layer(self) -> nn.Module:
        """Return the last convolution with its ReLU, whose output Grad-CAM explains."""
        return self.last

    @property
    def cell_grid(self) -> CellGrid:
        """Return where the cells of ``target_layer`` lie; every even kernel moves them by half a cell."""
        grid = CellGrid()
        for kernel in self.kernels[:-1]:
            grid = grid.convolution(kernel, same_padding(kernel)).pooling()
        return grid.convolution(self.kernels[-1], same_padding(self.kernels[-1]))

    @property
    def layer_groups(self) -> list[list[nn.Module]]:
        """Return the convolutions and the linear layers."""
        return [[self.convolutions, self.last], [self.head]]

    def body(self, films: Tensor) -> Tensor:
        """Return what enters the last convolution."""
        for layer in self.convolutions:
            films = F.max_pool2d(layer(films), 2)
        return films

    def classify(self, features: Tensor) -> Tensor:
        """Return logits (n, 2) of the last convolution's output."""
        return class_logits(self.head(F.max_pool2d(features, 2)))

    def forward(self, films: Tensor) -> Tensor:
        """Return logits (n, 2)."""
        return self.classify(self.last(self.body(films)))


def _linear_layers(inputs: int, linear: tuple[tuple[int, float], ...]) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    for units, dropout in linear:
        layers += [nn.Linear(inputs, units), nn.ReLU(), nn.Dropout(dropout)]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, 1))


def ct_cnn_basic(channels: int = 1, size: int = 248) -> CtCnn:
    """Return the article's first network: 4,987,361 parameters on one channel of 248 x 248."""
    return CtCnn(((128, 4), (64, 8), (32, 16)), ((128, 0.3),), channels, size)


def ct_cnn_simple(channels: int = 1, size: int = 248) -> CtCnn:
    """Return its second, "too simple": 671,185 parameters on one channel of 248 x 248."""
    return CtCnn(((16, 1), (32, 3), (64, 5), (64, 5), (64, 5)), _BOTTLENECK, channels, size)


def ct_cnn(channels: int = 1, size: int = 248) -> CtCnn:
    """Return its final network, the second without the fifth convolution: 2,010,513 parameters on one channel of 248 x 248."""
    return CtCnn(((16, 1), (32, 3), (64, 5), (64, 5)), _BOTTLENECK, channels, size)
