"""Tests of what is said beside the judgments."""
