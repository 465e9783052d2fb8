"""What the curator writes in data/knowledge/: entities, their attributes, and how features are said."""
