"""Benchmarks of their own: their folder, their pipeline, and the library that they were built with."""
