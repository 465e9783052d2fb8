"""The corpus: sources, ingest, duplicates, shards and pixels, reference photographs; what is encoded as items."""
