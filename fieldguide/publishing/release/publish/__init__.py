"""Publishing a release: what may not leave the house, what would go where, and its sending."""
