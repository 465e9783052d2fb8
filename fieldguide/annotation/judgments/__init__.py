"""The log of what people said, the guidelines they said it by, and the grades that follow."""
