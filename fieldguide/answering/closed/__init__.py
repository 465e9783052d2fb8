"""Answers to questions with closed answers: read by rules, and scored."""
