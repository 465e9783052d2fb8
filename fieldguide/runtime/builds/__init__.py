"""A build: `dvc repro` under one Prefect server, its human step, and what a kill leaves behind."""
