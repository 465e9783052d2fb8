"""Embeddings, exact search, systems and their runs."""
