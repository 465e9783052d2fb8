"""Who answers: a chat model, a model on this machine, a probe of image features, the most frequent answer."""
