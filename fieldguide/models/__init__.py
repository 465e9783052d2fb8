"""Encoders, generators and captioners, chosen by name in params.yaml."""
