"""The corpus as its readers see it: the table, the bytes, the pixels. `corpus/ingest` makes it."""
