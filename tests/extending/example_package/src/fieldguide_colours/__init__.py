"""Kinds of models and systems for Fieldguide that look at nothing but colours."""
