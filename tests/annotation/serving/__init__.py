"""Tests of the pages on which assessors judge."""
