"""The benchmark's steps: one thin Prefect flow each, started by dvc.yaml as `python -m flows.NAME`."""

import gc
import importlib

from fieldguide.runtime import environment

environment.prepare()  # before any flow's module imports Prefect, which reads its settings once
# Prefect makes very many objects that stay: looking through them for garbage would take each step a third of a second.
gc.disable()
importlib.import_module("prefect.flows")
gc.freeze()
gc.enable()
