"""Auditing a benchmark, published or own: everything that stands between its numbers and what they are taken for."""
