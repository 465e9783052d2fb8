"""From groups and attributes to balanced questions with reference answers, and from questions to phrases."""
