"""The maps that can be chosen: names, and what they need. No torch: a panel may list them.

The exact ones divide a logit among the cells (:mod:`inference.contribution_map`, :mod:`inference.fine_contributions`) and are
there for networks with one linear layer over the mean of the cells; the Grad-CAM family is there for all, computed by grad-cam
in :mod:`inference.explain`. Left out on purpose: those that do not look at the class (EigenCAM), whose sign is a matter of
chance, and the guided ones, which look the same for random weights (Adebayo 2018).
"""

from __future__ import annotations

from dataclasses import dataclass

from inference.errors import ExplanationError

CONTRIBUTION, FINE_CONTRIBUTION = "contribution", "fine contribution"
EXACT_METHODS = {FINE_CONTRIBUTION: "Fine contribution", CONTRIBUTION: "Contribution"}
"""Name and title of the maps in logits."""


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


def title_of(name: str) -> str:
    """Return the title of any method; ExplanationError if there is none of that name."""
    return EXACT_METHODS[name] if name in EXACT_METHODS else find_cam_method(name).title


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
