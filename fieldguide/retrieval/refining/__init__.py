"""Phrases worded anew by a model that sees what their drawings found, in rounds."""
