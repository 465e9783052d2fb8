"""Two states of a benchmark held against each other: what changed, what that does to scores, what it is called."""
