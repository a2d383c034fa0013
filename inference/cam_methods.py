"""The maps of the Grad-CAM family that can be chosen: names, and what they need. No torch: a panel may list them.

What they compute is grad-cam's, in :mod:`inference.explain`. Left out on purpose: those that do not look at the class
(EigenCAM), whose sign is a matter of chance, and the guided ones, which look the same for random weights (Adebayo 2018).
"""

from __future__ import annotations

from dataclasses import dataclass

from inference.errors import ExplanationError


@dataclass(frozen=True)
class CamMethod:
    """One kind of map: ``name`` as grad-cam calls its class, ``title`` as a reader sees it, ``article`` its source."""

    name: str
    title: str
    article: str
    needs_gradients: bool = True
    """True: one backward pass through the head. False: one forward pass of the whole network for each of its channels."""


CAM_METHODS: dict[str, CamMethod] = {
    method.name: method
    for method in (
        CamMethod("GradCAM", "Grad-CAM", "Selvaraju et al., ICCV 2017"),
        CamMethod("GradCAMPlusPlus", "Grad-CAM++", "Chattopadhay et al., WACV 2018"),
        CamMethod("LayerCAM", "LayerCAM", "Jiang et al., IEEE TIP 2021"),
        CamMethod("HiResCAM", "HiResCAM", "Draelos and Carin, 2020"),
        CamMethod("ScoreCAM", "Score-CAM", "Wang et al., CVPRW 2020", needs_gradients=False),
    )
}


def find_cam_method(name: str) -> CamMethod:
    """Return the method of that name.

    Raises
    ------
    ExplanationError
        If there is none.
    """
    if name not in CAM_METHODS:
        raise ExplanationError(f"There is no map called {name!r}; there are {', '.join(CAM_METHODS)}.")
    return CAM_METHODS[name]
