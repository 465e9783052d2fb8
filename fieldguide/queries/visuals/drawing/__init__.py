"""Stage `visualize`: drawings of phrases and of generic prompts."""
