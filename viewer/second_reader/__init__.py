"""The one room of the viewer that calls inference: reading a film, its example films, and training a model.

torch is imported inside the jobs, after the window is up. Errors of inference leave as the viewer's own
(:mod:`viewer.errors`), so that no other room need know them.
"""
