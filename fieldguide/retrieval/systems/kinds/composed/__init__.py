"""Kinds of systems whose query is composed of a drawing and a text, without training."""
