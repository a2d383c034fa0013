"""Where the cells of a feature map lie on the input picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CellGrid:
    """Centre of the first cell and the step to the next, in input pixels, continuous (pixel i covers [i, i + 1)).

    Convolutions padded by more than half their kernel make the map larger than the picture: the first centre is then
    outside it. Stretching such a map over the picture, as is often done, draws it in the wrong place.
    """

    first: float = 0.5
    step: float = 1.0

    def convolution(self, kernel: int, padding: int, stride: int = 1) -> CellGrid:
        """Return the grid after a convolution (or pooling) layer, the same along both axes."""
        return CellGrid(self.first + self.step * ((kernel - 1) / 2 - padding), self.step * stride)

    def pooling(self, kernel: int = 2) -> CellGrid:
        """Return the grid after pooling without padding or overlap."""
        return self.convolution(kernel, 0, kernel)
