"""From knowledge files, WordNet and embeddings to groups of entities that are easily confused."""
