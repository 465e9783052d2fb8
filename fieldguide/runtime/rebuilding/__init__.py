"""A build held against what was published: the same bytes, near numbers, or at least the same conclusions."""
