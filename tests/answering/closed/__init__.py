"""Answers to questions with closed answers."""
