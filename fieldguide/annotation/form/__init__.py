"""What assessors see: pages of images with choices."""
