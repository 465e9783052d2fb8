"""The pages on which assessors judge, in front of Label Studio, which keeps what they give."""
