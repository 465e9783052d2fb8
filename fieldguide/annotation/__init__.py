"""Annotation: people are asked on a server, and what they answer becomes grades."""
