"""Who is asked about which image, in which order."""
