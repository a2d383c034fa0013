"""The gate: what is said of a picture before any number is.

Three judges, cheapest first: statistics of the picture (:mod:`picture_checks`), small networks that know an upright frontal
film from its copies turned, inverted or cropped and from other pictures (:mod:`sense`), and the distance of the model's own
features from those of held-out films (:mod:`mahalanobis`). Each refusal is a :class:`~inference.gate.reasons.Reason`.
"""
