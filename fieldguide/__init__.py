"""Fieldguide: make, check, evaluate and release knowledge-intensive image retrieval benchmarks."""

__version__ = "0.1.0"
