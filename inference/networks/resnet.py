"""Residual networks of basic blocks (He et al., CVPR 2016), laid out and named as in torchvision, without torchvision.

The layers and their names are torchvision's, so that its ImageNet weights fit (``torchvision_weights.py``); that package
itself takes more than a second to import, which a film's answer should not wait for.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from inference.networks.cells import CellGrid


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a short cut: maps (n, inputs, r, c) to (n, outputs, r / stride, c / stride) >= 0."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inputs != outputs:
            short_cut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(short_cut, nn.BatchNorm2d(outputs))

    def forward(self, maps: Tensor) -> Tensor:
        """Return the block's maps."""
        short_cut = maps if self.downsample is None else self.downsample(maps)
        inner = F.relu(self.bn1(self.conv1(maps)), inplace=True)
        return F.relu(self.bn2(self.conv2(inner)) + short_cut)  # not in place: Grad-CAM reads the last block's output


def _stage(blocks: int, inputs: int, outputs: int, stride: int) -> nn.Sequential:
    first = BasicBlock(inputs, outputs, stride)
    return nn.Sequential(first, *(BasicBlock(outputs, outputs, 1) for _ in range(blocks - 1)))


def pooled_head(features: int, classes: int, dropout: float = 0.0) -> nn.Sequential:
    """Return the usual head: the mean over all cells, dropout where there is any, one linear layer."""
    drops = [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *drops, nn.Linear(features, classes))


class ResNet(nn.Module):
    """Films (n, channels, size, size) to logits (n, classes), whatever the size.

    ``blocks`` basic blocks in each of four stages of ``width``, 2, 4 and 8 times ``width`` channels, then ``head``, which
    takes maps (n, 8 width, size / 32, size / 32).
    """

    def __init__(self, head: nn.Module, blocks: Sequence[int], width: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _stage(blocks[0], width, width, 1)
        self.layer2 = _stage(blocks[1], width, 2 * width, 2)
        self.layer3 = _stage(blocks[2], 2 * width, 4 * width, 2)
        self.layer4 = _stage(blocks[3], 4 * width, 8 * width, 2)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        self.head = head

    @property
    def target_layer(self) -> nn.Module:
        """Return the last block, whose output (n, 8 width, size / 32, size / 32) Grad-CAM explains."""
        return self.layer4[-1]

    @property
    def fine_layer(self) -> nn.Module:
        """Return the second stage, (n, 2 width, size / 8, size / 8): its cells still see their surroundings alone."""
        return self.layer2

    @property
    def cell_grid(self) -> CellGrid:
        """Return where the cells of ``target_layer`` lie: 32 pixels apart, the first on the first pixel."""
        grid = CellGrid().convolution(7, 3, stride=2).convolution(3, 1, stride=2)
        for _ in range(3):
            grid = grid.convolution(3, 1, stride=2)
        return grid

    @property
    def layer_groups(self) -> list[list[nn.Module]]:
        """Return the two halves of the body and the head, as fastai divides it to train them at different rates."""
        return [[self.conv1, self.bn1, self.layer1, self.layer2], [self.layer3, self.layer4], [self.head]]

    def body(self, films: Tensor) -> Tensor:
        """Return what enters the last block, (n, 8 width, size / 32, size / 32)."""
        maps = F.relu(self.bn1(self.conv1(films)), inplace=True)
        maps = self.layer2(self.layer1(F.max_pool2d(maps, 3, 2, 1)))
        return self.layer4[:-1](self.layer3(maps))  # type: ignore[no-any-return]

    def classify(self, features: Tensor) -> Tensor:
        """Return logits (n, classes) of the last block's output."""
        return self.head(features)  # type: ignore[no-any-return]

    def forward(self, films: Tensor) -> Tensor:
        """Return logits (n, classes)."""
        return self.classify(self.target_layer(self.body(films)))


def resnet18(classes: int, channels: int = 1, width: int = 32) -> ResNet:
    """Return a ResNet-18 of that width with dropout before its linear layer.

    Parameters, with one channel and three classes: 2,796,515 (width 32), 6,286,803 (48), 11,171,779 (64, He et al.'s).
    """
    return ResNet(pooled_head(8 * width, classes, dropout=0.2), (2, 2, 2, 2), width, channels)
