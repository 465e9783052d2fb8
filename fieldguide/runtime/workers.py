"""The processes that `embed` and `embed_queries` spread their work over: of this machine, a Dask or a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fieldguide.core.errors import FieldguideError

if TYPE_CHECKING:
    from fieldguide.retrieval.encoding.workers import Workers
    from fieldguide.runtime.stage import Run


@contextmanager
def workers(run: Run, encoder: str) -> Iterator[Workers | None]:
    """What `embed.workers` and `embed.cluster` of params.yaml ask for; None where this process encodes itself.

    Raises:
        FieldguideError: the cluster's package is not installed, or nobody answers at the address.
    """
    from fieldguide.retrieval.encoding.workers import Workers

    embed, spec = run.params.embed, run.params.encoder(encoder)
    root = run.paths.root.absolute()
    if embed.cluster is None and embed.workers == 1:
        yield None
        return
    on_gpu = getattr(spec, "device", "cpu") in ("auto", "cuda")
    with _pool(embed.cluster, embed.workers, on_gpu) as (pool, count):
        yield Workers(pool, count, encoder, spec, root)


@contextmanager
def _pool(cluster: str | None, processes: int, on_gpu: bool) -> Iterator[tuple[Executor, int]]:
    if cluster is None:
        # Not forked: a fork of a process that has used CUDA, or has threads, cannot compute.
        context = multiprocessing.get_context("spawn")
        started = (context.Value("i", 0), processes)
        with ProcessPoolExecutor(processes, context, initializer=_start, initargs=started) as pool:
            yield pool, processes
        return
    opened = _dask(cluster) if cluster.startswith("dask://") else _ray(cluster, on_gpu)
    with opened as found:
        yield found


def _start(started: Any, processes: int) -> None:
    """First thing in a worker: end with its parent, take the next GPU in turn, and a fair share of the cores."""
    from fieldguide.core.streaming import usable_cores
    from fieldguide.runtime.lifetime import die_with_parent

    die_with_parent()
    with started.get_lock():
        number, started.value = started.value, started.value + 1
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        share = max(1, usable_cores() // processes)
        os.sched_setaffinity(0, {cores[(number * share + n) % len(cores)] for n in range(share)})
    import torch

    # Counting devices does not yet start CUDA, so that what is visible can still be said.
    if torch.cuda.device_count() > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(number % torch.cuda.device_count())


@contextmanager
def _dask(address: str) -> Iterator[tuple[Executor, int]]:
    try:
        from distributed import Client
    except ImportError:
        raise FieldguideError("embed.cluster: Dask needs the package distributed; install it with pip") from None
    try:
        client = Client(address.replace("dask://", "tcp://"), timeout=30)
    except OSError as error:
        raise FieldguideError(f"embed.cluster: no Dask scheduler answers at {address}: {error}") from None
    with client:
        yield client.get_executor(pure=False), max(1, len(client.scheduler_info(n_workers=-1)["workers"]))


@contextmanager
def _ray(address: str, on_gpu: bool) -> Iterator[tuple[Executor, int]]:
    try:
        import ray
    except ImportError:
        raise FieldguideError("embed.cluster: Ray needs the package ray; install it with pip") from None
    try:
        ray.init(address, log_to_driver=False)
    except (ConnectionError, OSError) as error:
        raise FieldguideError(f"embed.cluster: no Ray cluster answers at {address}: {error}") from None
    try:
        resources = ray.cluster_resources()
        count = resources.get("GPU", 0) if on_gpu else resources.get("CPU", 1)
        yield _Ray(ray, 1 if on_gpu and count else 0), max(1, int(count))
    finally:
        ray.shutdown()


class _Ray(Executor):
    """Ray as the standard library's executor."""

    def __init__(self, ray: Any, gpus: int) -> None:
        self._ray, self._gpus = ray, gpus

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run `fn` somewhere in the cluster."""
        task = self._ray.remote(num_cpus=1, num_gpus=self._gpus)(fn)
        done: Future[Any] = task.remote(*args, **kwargs).future()
        return done
