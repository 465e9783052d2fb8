"""Pools: which images of a subtopic are shown to assessors, and what brought each of them in."""
