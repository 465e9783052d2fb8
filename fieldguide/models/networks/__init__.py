"""Networks that the example trains, and how their weights are stored."""
