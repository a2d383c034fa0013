"""The lungs on a frontal chest film: a small network of our own, its films, its training, and the finding of both lungs."""
