"""Stage `compose`: from groups and attributes to balanced questions with reference answers."""
