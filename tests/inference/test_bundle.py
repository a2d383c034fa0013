"""One folder is one model, and a folder that is not what its card says is refused."""

from __future__ import annotations

from inference.bundle import Bundle


def test_a_bundle_that_was_just_trained_opens(tiny_bundle: Bundle) -> None:
    assert tiny_bundle.name == "darkcovidnet"
