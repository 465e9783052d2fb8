"""A campaign of kills: `python -m bench.kills [--kills 100] [--rounds 10] [--seed 0]`.

A small benchmark (60 photographs, all stages) is built once undisturbed. Then it is built from nothing, round after
round, and each build is killed at a random moment, again and again, until the round has had its share of kills; after
each, `fieldguide build` alone has to go on. The round's last build is left alone: it has to end, and its outputs have
to have the bytes of the undisturbed one. Who is killed, with which signal and when is drawn by the seed: the build,
DVC, the running stage, Prefect's server, or all at once. Now and then what a kill can tear is torn on purpose: dvc.lock
cut off at any byte, DVC's rwlock emptied.

Prints a line a kill and ends with 1 if anything did not hold. `make demo` first. About 5 minutes a round.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from tests.pipeline.conftest import Site, make_site

ROOT = Path(__file__).resolve().parent.parent
VICTIMS = {
    "build": "fieldguide.cli.main build",
    "dvc": "dvc repro",
    "stage": "-m flows.",
    "server": "prefect",
    "all": "",
}
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
LATEST, TORN, ENDS, WHOLE = 25.0, 0.2, 30.0, 1200.0
"""Seconds of the latest kill; share of kills after which something is torn; seconds until a killed build has to have
ended, and an undisturbed one."""


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, default in (("kills", 100), ("rounds", 10), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    with tempfile.TemporaryDirectory(prefix="fieldguide-kills-") as place:
        pristine = make_site(Path(place) / "pristine", ROOT / "data" / "input")
        for command in (
            ["add", "-A"],
            ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "-qm", "x"],
        ):
            subprocess.run(["git", *command], cwd=pristine.folder, check=True, capture_output=True)
        undisturbed = _copy(pristine, Path(place) / "undisturbed")
        problems = _ends(undisturbed)
        wanted, told = undisturbed.outs, Counter[str]()
        for number in range(asked.rounds):
            site = _copy(pristine, Path(place) / f"round{number}")
            for _ in range(asked.kills // asked.rounds):
                problems += _killed(site, rng, told)
            problems += _ends(site)
            problems += [
                f"round {number}: {path} differs" for path, md5 in wanted.items() if site.outs.get(path) != md5
            ]
            print(f"round {number}: {len(problems)} problems so far", flush=True)
            shutil.rmtree(site.folder)
    print(f"{sum(told.values())} kills: {', '.join(f'{name} {count}' for name, count in sorted(told.items()))}")
    print("\n".join(problems) or "every build ended with the undisturbed one's bytes")
    return 1 if problems else 0


def _copy(site: Site, folder: Path) -> Site:
    shutil.copytree(site.folder, folder, symlinks=True)
    return Site(folder)


def _started(site: Site) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in site.environment.items() if name != "FIELDGUIDE_TRACK"}
    return subprocess.Popen(
        [sys.executable, "-m", "fieldguide.cli.main", "build"], cwd=site.folder, env=environment,
        start_new_session=True, stdout=(site.folder / "build.log").open("wb"), stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip


def _killed(site: Site, rng: random.Random, told: Counter[str]) -> list[str]:
    """Start a build, kill somebody, perhaps tear something; what did not hold."""
    build = _started(site)
    moment, name, how = rng.uniform(0.3, LATEST), rng.choice([*VICTIMS]), rng.choice(SIGNALS)
    with contextlib.suppress(subprocess.TimeoutExpired):
        build.wait(moment)
    family = [] if build.poll() is not None else [psutil.Process(build.pid), *_children(build.pid)]
    hit, victim = _signal(build, family, name, how)
    problems = _over(build, family, victim)
    torn = _tear(site, rng) if rng.random() < TORN else ""
    what = f"{hit} {how.name} after {moment:.1f} s" + f", {torn}" * bool(torn)
    told[f"{hit} {how.name}"] += 1
    print(f"  {what}: ended with {build.returncode}", flush=True)
    log = (site.folder / "build.log").read_text(encoding="utf-8", errors="replace")
    raised = log.replace("Exception ignored in", "").count("Traceback") > log.count("Exception ignored in")
    if raised and how is not signal.SIGKILL:
        problems.append(f"a traceback:\n{log[-1500:]}")
    return _told([f"{what}: {problem}" for problem in problems])


def _told(problems: list[str]) -> list[str]:
    for problem in problems:
        print(f"  PROBLEM {problem}", flush=True)
    return problems


def _children(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def _signal(
    build: subprocess.Popen[bytes], family: list[psutil.Process], name: str, how: signal.Signals
) -> tuple[str, psutil.Process | None]:
    """Signal the victim, or the build where there is none yet; who it was."""
    if not family:
        return "nobody", None
    if name == "all":
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(how)
        return name, None
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            if VICTIMS[name] in " ".join(process.cmdline()):
                process.send_signal(how)
                return name, process
    build.send_signal(how)
    return "build", family[0]


def _over(build: subprocess.Popen[bytes], family: list[psutil.Process], victim: psutil.Process | None) -> list[str]:
    """Wait for the end of the build and of all that it started; where the victim goes on, the build is killed instead.

    DVC does not look at SIGINT while a stage runs, since a terminal sends it to the stage too.
    """
    try:
        build.wait(ENDS)
    except subprocess.TimeoutExpired:
        ignored = victim is not None and victim.is_running() and victim.status() != psutil.STATUS_ZOMBIE
        build.kill()
        build.wait()
        if not ignored:
            return [f"did not end within {ENDS:.0f} s"]
    limit = time.monotonic() + ENDS
    while left := [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]:
        if time.monotonic() > limit:
            return [f"left running: {' '.join(process.cmdline())}" for process in left]
        time.sleep(0.1)
    return []


def _tear(site: Site, rng: random.Random) -> str:
    lock, rwlock = site.folder / "dvc.lock", site.folder / ".dvc" / "tmp" / "rwlock"
    if rng.random() < 0.5 and lock.exists():
        whole = lock.read_bytes()
        size = rng.randrange(len(whole) + 1)
        lock.write_bytes(whole[:size])
        return f"dvc.lock cut off at {size:,} of {len(whole):,} bytes"
    rwlock.parent.mkdir(parents=True, exist_ok=True)
    rwlock.write_bytes(b"")
    return "rwlock emptied"


def _ends(site: Site) -> list[str]:
    """Build to the end, undisturbed."""
    build = _started(site)
    try:
        status = build.wait(WHOLE)
    except subprocess.TimeoutExpired:
        os.killpg(build.pid, signal.SIGKILL)
        return [f"an undisturbed build did not end within {WHOLE:.0f} s"]
    if status:
        log = (site.folder / "build.log").read_text(encoding="utf-8", errors="replace")
        return _told([f"an undisturbed build ended with {status}:\n{log[-3000:]}"])
    leftovers = [str(path) for path in (site.folder / "data").glob("**/.*") if path.name.endswith(".tmp")]
    return [f"left behind: {', '.join(leftovers)}"] * bool(leftovers)


if __name__ == "__main__":
    sys.exit(main())
