"""`python -m bench.runs [MILLIONS]`: reading a run and qrels of 10 million lines, seconds and peak memory.

Beside it stands pyarrow's CSV reader on the same file: no checks, no order, no ranks. Each is measured in a process of
its own; `malformed` is the same run with one bad line at the end, which is named.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fieldguide.core.errors import FieldguideError
from fieldguide.records.runs import read_qrels_trec, read_run

DEPTH = 10_000
CORPUS = 1_000_000


def write(folder: Path, millions: int) -> dict[str, Path]:
    """A run, the same with a bad line, and qrels of as many lines."""
    paths = {name: folder / f"{name}.txt" for name in ("run", "malformed", "qrels")}
    rng = np.random.default_rng(0)
    with paths["run"].open("w") as run, paths["qrels"].open("w") as qrels:
        for topic in range(millions * 1_000_000 // DEPTH):
            images = rng.choice(CORPUS, DEPTH, replace=False).tolist()
            scores = np.sort(rng.random(DEPTH))[::-1].tolist()
            run.writelines(
                f"t{topic:05}.e1 Q0 {i:016x} {n} {s:.6f} bench\n"
                for n, (i, s) in enumerate(zip(images, scores, strict=True))
            )
            qrels.writelines(f"t{topic:05}.e1 0 {i:016x} {i % 3}\n" for i in images)
    with paths["run"].open("rb") as run, paths["malformed"].open("wb") as malformed:
        while block := run.read(1 << 24):
            malformed.write(block)
        malformed.write(b"t99999.e1 Q0 image 1 high bench\n")
    return paths


def read_malformed(path: Path) -> None:
    try:
        read_run(path)
    except FieldguideError as error:
        print(f"  told: {str(error).splitlines()[1].strip().removeprefix(str(path))}")


def read_bare(path: Path) -> None:
    import pyarrow.csv as pacsv

    pacsv.read_csv(
        path,
        read_options=pacsv.ReadOptions(column_names=["a", "b", "c", "d", "e", "f"]),
        parse_options=pacsv.ParseOptions(delimiter=" ", quote_char=False),
    )


def measure(work: Callable[[Path], object], path: Path, answers: multiprocessing.Queue[tuple[float, int]]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    work(path)
    answers.put((time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))


def main() -> None:
    """Print a line each."""
    millions = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        paths = write(Path(name), millions)
        print(f"{millions} million lines, {paths['run'].stat().st_size / 2**20:.0f} MiB of run")
        for what, work, path in (
            ("pyarrow alone", read_bare, paths["run"]),
            ("read_run", read_run, paths["run"]),
            ("malformed", read_malformed, paths["malformed"]),
            ("read_qrels_trec", read_qrels_trec, paths["qrels"]),
        ):
            answers = spawn.Queue()
            process = spawn.Process(target=measure, args=(work, path, answers))
            process.start()
            seconds, kibibytes = answers.get()
            process.join()
            print(f"{what:<18}{seconds:>8.1f} s {kibibytes / 2**10:>8.0f} MiB above the start", flush=True)


if __name__ == "__main__":
    main()
