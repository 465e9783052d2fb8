"""Published benchmarks: read as they are, turned into this house's tables, and written back label for label."""
