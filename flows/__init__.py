"""The benchmark's steps: one thin Prefect flow each, started by dvc.yaml as `python -m flows.NAME`."""

import gc
import importlib
import os
import signal
import sys

from fieldguide.runtime import environment

if sys.argv[0] == "-m":  # a step: interrupted while it imports, it ends without a traceback; later `run` sees to it
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
environment.prepare()  # before any flow's module imports Prefect, which reads its settings once
# Prefect makes very many objects that stay: looking through them for garbage would take each step a third of a second.
gc.disable()
importlib.import_module("prefect.main")
gc.freeze()
gc.enable()
