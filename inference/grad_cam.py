"""What is used of the grad-cam package, imported once torchvision can be (which grad-cam imports unconditionally)."""

from inference.torchvision_operators import declare_missing_operators

declare_missing_operators()

from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, ScoreCAM  # noqa: E402
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget  # noqa: E402

__all__ = ["ClassifierOutputTarget", "GradCAM", "GradCAMPlusPlus", "HiResCAM", "LayerCAM", "ScoreCAM"]
