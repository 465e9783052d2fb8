"""Images in words: captioners, chosen by name in params.yaml, one file a provider."""
