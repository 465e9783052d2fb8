"""The step of a build that waits for people."""
