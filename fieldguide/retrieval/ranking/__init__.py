"""Ranking with every system of params.yaml, each ranked anew only where what determines its run has changed."""
