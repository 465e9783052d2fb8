"""What the section of each kind of system may hold. Imported without NumPy, so that params.yaml is read quickly."""
