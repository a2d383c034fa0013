"""Architectures, one a file: nn.Module only, with where its last cells lie on its input."""
