"""Stage `phrase`: each subtopic as a phrase to draw and search for, in other wordings, and taken apart."""
