"""Stage `caption`: images in words, and the words of drawings joined with what is asked."""
