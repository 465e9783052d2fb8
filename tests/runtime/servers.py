"""A Prefect server that tests share, and what it knows."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.05)


def known(address: str, what: str) -> list[dict[str, Any]]:
    """Flow runs, task runs or artifacts of a Prefect server."""
    request = urllib.request.Request(f"{address}/{what}/filter", b"{}", {"content-type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as reply:
        found: list[dict[str, Any]] = json.load(reply)
    return found


def states(address: str, what: str = "flow_runs") -> set[tuple[str, str]]:
    """(name, state) of each run; Prefect gives flow runs names of its own, so the flow's name is looked up."""
    names = {flow["id"]: flow["name"] for flow in known(address, "flows")}
    return {(names.get(run.get("flow_id"), run["name"]), run["state_type"]) for run in known(address, what)}
