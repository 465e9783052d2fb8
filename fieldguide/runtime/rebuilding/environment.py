"""What a stage ran on: what may make the last digits of a number others while code and parameters are the same."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_json, write_json
from fieldguide.core.paths import Paths
from fieldguide.core.streaming import usable_cores

# Instructions for which libraries have other kernels, whose sums are in another order.
_INSTRUCTIONS = ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "asimdhp", "sve")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_DISTRIBUTIONS = {"PIL": "pillow", "faiss": "faiss-cpu", "sklearn": "scikit-learn"}
"""Names of distributions that are not those of their modules."""


@dataclass(frozen=True)
class Environment:
    """Of one process.

    Attributes:
        processor: the name that the processor gives itself.
        instructions: those of its instruction sets that libraries choose kernels by.
        threads: cores that may be used, torch's threads where it was loaded, and what the environment sets.
        platform: operating system, processor family and C library.
        python: its version.
        libraries: version by distribution, of those that were loaded.
    """

    processor: str
    instructions: tuple[str, ...]
    threads: dict[str, str]
    platform: str
    python: str
    libraries: dict[str, str]

    @classmethod
    def here(cls) -> Environment:
        """Of this process."""
        name, flags = _processor()
        threads = {"cores": str(usable_cores())} | {name: os.environ[name] for name in _THREADS if name in os.environ}
        if "torch" in sys.modules:
            threads["torch"] = str(sys.modules["torch"].get_num_threads())
        return cls(
            processor=name,
            instructions=tuple(one for one in _INSTRUCTIONS if one in flags),
            threads=threads,
            platform=" ".join((platform.system(), platform.machine(), *platform.libc_ver())).strip(),
            python=platform.python_version(),
            libraries=dict(_libraries()),
        )

    @classmethod
    def read(cls, values: Any) -> Environment:
        """From the JSON of one, which this code wrote."""
        return cls(**{**values, "instructions": tuple(values["instructions"])})

    def differences(self, other: Environment) -> list[str]:
        """What is otherwise in `other`, in words: `numpy 2.1.0 -> 2.2.0`."""
        pairs = [("processor", self.processor, other.processor)]
        pairs.append(("instructions", " ".join(self.instructions), " ".join(other.instructions)))
        pairs += [(f"threads: {key}", old, new) for key, old, new in _sides(self.threads, other.threads)]
        pairs += [("platform", self.platform, other.platform), ("Python", self.python, other.python)]
        both = self.libraries.keys() & other.libraries.keys()  # a step may have loaded more where it did more
        pairs += [(key, self.libraries[key], other.libraries[key]) for key in sorted(both)]
        return [f"{name} {old} -> {new}" for name, old, new in pairs if old != new]


def remember_environment(paths: Paths, step: str) -> None:
    """Keep what a step ran on, until it runs again. Machine-local: in an output it would make bytes differ."""
    write_json(_kept(paths, step), vars(Environment.here()))


def kept_environment(paths: Paths, step: str) -> Environment | None:
    """What a step last ran on here; None where it never ran here: its outputs came from DVC's cache.

    Of outputs that DVC brought back after a later run, it tells of that later run.
    """
    try:
        return Environment.read(read_json(_kept(paths, step)))
    except (FieldguideError, TypeError, KeyError):  # never kept, damaged, or of another version of this code
        return None


def _kept(paths: Paths, step: str) -> Path:
    return paths.state / "environments" / f"{step.replace('@', '-')}.json"


def _processor() -> tuple[str, frozenset[str]]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine(), frozenset()
    said = dict(reversed([(k.strip(), v.strip()) for k, _, v in (line.partition(":") for line in lines)]))
    flags = said.get("flags") or said.get("Features") or ""
    return said.get("model name") or platform.machine(), frozenset(flags.split())


def _libraries() -> Iterator[tuple[str, str]]:
    """Versions of what this process has loaded, by distribution."""
    for name in sorted(sys.modules.keys() - sys.stdlib_module_names):
        version = None if "." in name else getattr(sys.modules[name], "__version__", None)
        if isinstance(version, str) and not name.startswith("_"):
            yield _DISTRIBUTIONS.get(name, name), version


def _sides(one: dict[str, str], other: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for key in sorted({*one, *other}):
        yield key, one.get(key, "(not there)"), other.get(key, "(not there)")
