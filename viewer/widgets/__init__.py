"""Looks and gestures: widgets show records and emit signals, and decide nothing."""
