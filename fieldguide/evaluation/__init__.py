"""Scores of runs against qrels, and what can be said of their differences."""
