"""The corpus as its readers see it: the table, the bytes, the pixels. `fieldguide.corpus.ingest` makes it."""
