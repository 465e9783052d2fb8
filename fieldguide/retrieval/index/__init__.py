"""Indexes: which images of a large gallery are worth comparing exactly.

An index only proposes. What it proposes is compared with the stored vectors, so that a run through an index has the
scores of exact search and can only lack images; how many it lacks is measured.
"""
