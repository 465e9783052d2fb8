"""All that a person, a schedule or DVC starts."""
