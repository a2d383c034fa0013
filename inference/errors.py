"""What can go wrong in inference, as a sentence for a radiologist or a researcher.

Each error's ``str()`` is a whole sentence: what could not be done, with what, what was found, what to do.
"""


class InferenceError(Exception):
    """Base of everything that is shown to the user as a sentence."""


class RecipeError(InferenceError):
    """A recipe that does not exist or contradicts itself."""


class DatasetError(InferenceError):
    """A manifest or a film that cannot be trained on or judged by."""


class TrainingError(InferenceError):
    """Training that cannot go on."""


class BundleError(InferenceError):
    """A model bundle that is incomplete, damaged or contradicts itself."""


class DeviceError(InferenceError):
    """A device that was asked for and is not there."""


class ExamplesError(InferenceError):
    """Example films that cannot be linked or fetched."""


class ExplanationError(InferenceError):
    """A map that cannot be made."""
