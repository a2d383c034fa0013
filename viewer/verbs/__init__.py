"""What the program does without a window: one module a verb, each with ``add_parser`` and ``run``."""
