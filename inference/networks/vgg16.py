"""VGG16 (Simonyan and Zisserman, ICLR 2015) as article D has it: torchvision's layers and names, without torchvision."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional as F

from inference.networks.cells import CellGrid
from inference.networks.keras import start_as_keras

_POOLING = 0
_PLAN = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
"""Channels of the 13 convolutions, and where the maps are halved."""
_LINEAR_SPREAD = 0.05
"""The article's linear layers start with normal numbers of this standard deviation."""


class _Convolution(nn.Conv2d):
    """A 3 x 3 convolution with its ReLU, in one module: Grad-CAM reads its output."""

    def __init__(self, inputs: int, outputs: int, activated: bool) -> None:
        super().__init__(inputs, outputs, 3, padding=1)
        self.activated = activated

    def forward(self, maps: Tensor) -> Tensor:
        made = super().forward(maps)
        return F.relu(made) if self.activated else made


def _convolutions(channels: int, activated: bool) -> nn.Sequential:
    """Return the convolutions and poolings under torchvision's numbers, where a ReLU counts as a layer of its own."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    number = 0
    for outputs in _PLAN:
        layers[str(number)] = nn.MaxPool2d(2) if outputs == _POOLING else _Convolution(channels, outputs, activated)
        number += 1 if outputs == _POOLING else 2
        channels = outputs or channels
    return nn.Sequential(layers)


def _linear_layers(units: int, classes: int) -> nn.Sequential:
    first, second = nn.Linear(512 * 7 * 7, units), nn.Linear(units, units)
    return nn.Sequential(first, nn.ReLU(), nn.Dropout(0.5), second, nn.ReLU(), nn.Dropout(0.5), nn.Linear(units, classes))


class Vgg16(nn.Module):
    """Films (n, channels, size, size) to logits (n, classes); the article's size is 224, others are pooled to 7 x 7 cells.

    134,268,738 parameters with three channels and two classes, 119,554,050 of them in the linear layers.

    Parameters
    ----------
    activated
        False: no ReLU after the convolutions, as in the network the article trains from scratch.
    two_sigmoids
        True: the article's loss, categorical cross-entropy on one sigmoid a class. Keras divides these by their sum, which
        is a softmax of their logarithms: the logits are log-sigmoids.
    units
        Of the first two linear layers, where nine tenths of the parameters are; VGG16 has 4096.
    """

    def __init__(
        self, classes: int, channels: int = 3, activated: bool = True, two_sigmoids: bool = False, units: int = 4096
    ) -> None:
        super().__init__()
        self.two_sigmoids = two_sigmoids
        # Keras' start, which VGG's authors name, too: before linear layers this wide, He's lets every ReLU of the head die.
        self.features = start_as_keras(_convolutions(channels, activated))
        self.classifier = _linear_layers(units, classes)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, 0.0, _LINEAR_SPREAD)
                nn.init.zeros_(layer.bias)

    @property
    def target_layer(self) -> nn.Module:
        """Return the last convolution, whose output (n, 512, size / 16, size / 16) Grad-CAM explains."""
        return self.features[-2]

    @property
    def cell_grid(self) -> CellGrid:
        """Return where the cells of ``target_layer`` lie: 16 pixels apart."""
        grid = CellGrid()
        for _ in range(4):
            grid = grid.pooling()
        return grid

    @property
    def layer_groups(self) -> list[list[nn.Module]]:
        """Return the convolutions and the linear layers."""
        return [[self.features], [self.classifier]]

    def body(self, films: Tensor) -> Tensor:
        """Return what enters the last convolution, (n, 512, size / 16, size / 16)."""
        return self.features[:-2](films)  # type: ignore[no-any-return]

    def classify(self, features: Tensor) -> Tensor:
        """Return logits (n, classes) of the last convolution's output."""
        pooled = F.adaptive_avg_pool2d(self.features[-1](features), 7)
        logits: Tensor = self.classifier(pooled.flatten(1))
        return F.logsigmoid(logits) if self.two_sigmoids else logits

    def forward(self, films: Tensor) -> Tensor:
        """Return logits (n, classes)."""
        return self.classify(self.target_layer(self.body(films)))


def vgg16(classes: int, channels: int = 3) -> Vgg16:
    """Return VGG16 with softmax cross-entropy."""
    return Vgg16(classes, channels)


def vgg16_two_sigmoids(classes: int, channels: int = 3) -> Vgg16:
    """Return VGG16 with the article's loss."""
    return Vgg16(classes, channels, two_sigmoids=True)


def vgg16_without_activations(classes: int, channels: int = 3) -> Vgg16:
    """Return the network the article trains from scratch: linear between poolings, and its loss."""
    return Vgg16(classes, channels, activated=False, two_sigmoids=True)
