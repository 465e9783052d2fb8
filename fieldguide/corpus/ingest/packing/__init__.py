"""From bytes on disk to the shards of the corpus."""
