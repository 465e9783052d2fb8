"""What is drawn and what is said of images: a room for each stage."""
