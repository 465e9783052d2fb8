"""Pools: which images of a subtopic are shown to assessors, and what brought each of them in."""

from fieldguide.pooling.pool import make_pools, pools_by_subtopic

__all__ = ["make_pools", "pools_by_subtopic"]
