"""Probes: questions that were changed on purpose, and everything that systems need to answer them."""
