"""Tests of the manager's page."""
