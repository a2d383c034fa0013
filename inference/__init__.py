"""Hilum's inference: networks and evidence. No Qt, and nothing of the viewer.

The map: ``recipe`` and ``recipes`` say what a system is; ``networks`` build it; ``preprocess`` and ``dataset`` feed it;
``train`` fits it; ``evaluate`` judges it; ``bundle`` keeps everything about one trained model in one folder; ``predict``,
``explain`` and ``trust`` read a film with it; ``examples`` finds the films it was wrong about; ``command_line`` is the
only place that prints.
"""
