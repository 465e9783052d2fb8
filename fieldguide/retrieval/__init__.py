"""Encoding, search, systems and their runs, pools, and the training of what some systems need."""
