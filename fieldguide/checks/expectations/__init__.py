"""Expectations of every table that leaves the house, run by Great Expectations."""
