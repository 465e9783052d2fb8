"""The benchmark's steps: one thin Prefect flow each, started by dvc.yaml as `python -m flows.NAME`."""

from fieldguide.runtime import environment

environment.prepare()  # before any flow's module imports Prefect, which reads its settings once
