"""What every process of a benchmark tells its dependencies before it loads them."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

from fieldguide.core.paths import Paths

# No dependency may report home, and none may look for updates or models over the network unasked.
_QUIET = {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}
# Systems are ranked side by side, and their products are small: threads of one product would wait for each other many
# times longer than it takes, on a busy machine above all. torch has threads of its own.
_THREADS = {"OPENBLAS_NUM_THREADS": "1"}
_PROCESSOR = Path("/proc/cpuinfo")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def prepare(environment: MutableMapping[str, str] = os.environ, root: Path = Path()) -> None:
    """Set what is not set: no statistics, Prefect's records inside the repository, no proxy for this machine itself.

    Has to come before Prefect is imported, which reads its settings then: `flows/__init__.py` calls it.
    """
    state = Paths(root).state.absolute()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, value in {**_QUIET, **_THREADS, **kernel(), "PREFECT_HOME": str(state / "prefect")}.items():
        environment.setdefault(name, value)
    # urllib, httpx and requests take a company's http_proxy for loopback too, unless told otherwise.
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in environment.get(name, "").split(",") if host]
        environment[name] = ",".join([*hosts, *(host for host in _LOOPBACK if host not in hosts)])


def kernel() -> dict[str, str]:
    """Which of its kernels OpenBLAS is to take, as an environment variable; nothing where the processor is unknown.

    By those for AVX2 the last bits of a product hang on where in the matrix its row stands, so that one photograph more
    changes similarities of others; OpenBLAS 0.3.29 takes them on new processors too, whose AVX-512 it does not know.
    """
    flags = _PROCESSOR.read_text(errors="replace") if _PROCESSOR.exists() else ""
    if " avx512f" in flags:
        return {"OPENBLAS_CORETYPE": "SkylakeX"}
    return {"OPENBLAS_CORETYPE": "Sandybridge"} if " avx" in flags else {}
