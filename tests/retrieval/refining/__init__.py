"""Phrases worded anew, in rounds."""
