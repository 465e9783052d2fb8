"""Pictures of a finished benchmark, each with the numbers that it is drawn from."""
