"""Questions answered from images: who answers, what is shown, how answers are scored, what that says."""
