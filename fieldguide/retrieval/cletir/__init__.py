"""Training of the system CLETIR, on other entities than those it ranks."""
