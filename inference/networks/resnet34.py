"""ResNet-34, as torchvision has it and with the head that fastai puts on it (article A)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from inference.networks.resnet import ResNet, pooled_head

_BLOCKS = (3, 4, 6, 3)
_FEATURES = 512


class MaximumAndMean(nn.Module):
    """Maps (n, k, rows, columns) to features (n, 2 k): the largest value over all cells, then the mean."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return the features."""
        return torch.cat((maps.amax(dim=(2, 3)), maps.mean(dim=(2, 3))), dim=1)


def fastai_head(classes: int) -> nn.Sequential:
    """Return the head of fastai 1's ``cnn_learner`` (``create_head``), with its start: He normal, bias 0."""
    head = nn.Sequential(
        MaximumAndMean(),
        nn.BatchNorm1d(2 * _FEATURES),
        nn.Dropout(0.25),
        nn.Linear(2 * _FEATURES, 512),
        nn.ReLU(),
        nn.BatchNorm1d(512),
        nn.Dropout(0.5),
        nn.Linear(512, classes),
    )
    for layer in head:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    return head


def resnet34(classes: int, channels: int = 1) -> ResNet:
    """Return torchvision's ResNet-34: 21,285,698 parameters with three channels and two classes."""
    return ResNet(pooled_head(_FEATURES, classes), _BLOCKS, 64, channels)


def resnet34_fastai(classes: int, channels: int = 1) -> ResNet:
    """Return ResNet-34 with fastai's head: 21,813,570 parameters with three channels and two classes, 528,898 the head's."""
    return ResNet(fastai_head(classes), _BLOCKS, 64, channels)
