"""`python -m bench.encoding [--images N] [--device D] [--batch B] [--precision P]`: encoding beside its forward pass.

Encodes photographs of the example from an empty cache (read, decode, resize, normalise, forward, store) and runs the
bare forward pass on the same photographs' tensors, already in memory, in batches of the same size: with all of torch's
threads on each batch, and with one thread a batch; the faster counts. Networks have their published shapes and random
weights. Figures of one machine are no figures of another: read the ratios. Wall clock says little on a machine that
others use; there, read the ratio of CPU seconds, which counts what was computed and not what was waited for.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch

from fieldguide.core.paths import Paths
from fieldguide.corpus.store.items import image_items
from fieldguide.corpus.store.shards import iter_images, read_images
from fieldguide.models.encoders.network import NetworkEncoder
from fieldguide.models.encoders.registry import load_encoder
from fieldguide.models.encoders.section import CLIPEncoder, DINOv2Encoder
from fieldguide.models.loading.torchvision import declare_operators
from fieldguide.retrieval.encoding.encode import encode

ROOT = Path(__file__).resolve().parent.parent


class Taken(NamedTuple):
    """Seconds of one run."""

    wall: float
    cpu: float


def taken(work: Callable[[], object]) -> Taken:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Taken(time.perf_counter() - wall, time.process_time() - cpu)


def fastest(runs: list[Taken]) -> Taken:
    return Taken(min(run.wall for run in runs), min(run.cpu for run in runs))


def clip(folder: Path, patch: int) -> CLIPEncoder:
    """CLIP's image tower, ViT-B with patches of so many pixels."""
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTokenizer

    CLIPModel(CLIPConfig(vision_config={"patch_size": patch}, text_config={"num_hidden_layers": 1})).save_pretrained(
        folder
    )
    CLIPImageProcessor().save_pretrained(folder)
    CLIPTokenizer().save_pretrained(folder)
    return CLIPEncoder(kind="clip", weights=folder)


def dinov2(folder: Path) -> DINOv2Encoder:
    """DINOv2 ViT-S/14."""
    from transformers import BitImageProcessor, Dinov2Config, Dinov2Model

    Dinov2Model(Dinov2Config(hidden_size=384, num_attention_heads=6, patch_size=14, image_size=518)).save_pretrained(
        folder
    )
    BitImageProcessor(
        size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224}, do_center_crop=True
    ).save_pretrained(folder)  # fmt: skip
    return DINOv2Encoder(kind="dinov2", weights=folder)


NETWORKS: dict[str, Callable[[Path], Any]] = {
    "CLIP ViT-B/32": lambda folder: clip(folder, 32),
    "CLIP ViT-B/16": lambda folder: clip(folder, 16),
    "DINOv2 ViT-S/14": dinov2,
}


def bare_passes(encoder: NetworkEncoder, prepared: list[Any], batch: int) -> Iterator[Callable[[], object]]:
    """The forward pass alone: batches one after another with all threads, and side by side with one thread each."""
    device, dtype = encoder.compute.device, encoder.compute.dtype
    batches = [
        {name: torch.stack([one[name] for one in prepared[n : n + batch]]).to(device, dtype) for name in prepared[0]}
        for n in range(0, len(prepared), batch)
    ]

    def forward(inputs: dict[str, Any]) -> Any:
        with torch.inference_mode():
            return encoder._embed_images(inputs)

    def all_threads() -> None:
        for inputs in batches:
            last = forward(inputs)
        last.cpu()

    yield all_threads
    if device == "cpu":
        from fieldguide.models.loading.parallel import each

        yield lambda: each(forward, batches)


def measure(name: str, images: pd.DataFrame, repeats: int, settings: dict[str, Any]) -> None:
    """Print one line."""
    paths = Paths(ROOT)
    with tempfile.TemporaryDirectory() as temporary:
        spec = NETWORKS[name](Path(temporary) / "network").model_copy(update=settings)
        encoder = load_encoder("bench", spec)
        if not isinstance(encoder, NetworkEncoder):
            raise TypeError(f"{name} has no network to compare with: NETWORKS may hold kinds of NetworkEncoder only")
        prepared = [encoder.prepare_image(image) for _, image in iter_images(paths, images)]
        batch = spec.batch

        def whole() -> None:
            with tempfile.TemporaryDirectory() as folder:
                out, cache = Path(folder) / "out", Path(folder) / "cache"
                encode(image_items(images, paths), encoder, out, cache, dtype="float16", batch=4 * batch)

        passes = list(bare_passes(encoder, prepared, batch))
        encoder.encode_prepared(prepared[:batch])
        ours: list[Taken] = []
        bare: list[list[Taken]] = [[] for _ in passes]
        for _ in range(repeats):  # in turns, so that what else runs on the machine meets both
            ours.append(taken(whole))
            for runs, one in zip(bare, passes, strict=True):
                runs.append(taken(one))
    best = min((fastest(runs) for runs in bare), key=lambda run: run.cpu if spec.device == "cpu" else run.wall)
    mine, count = fastest(ours), len(images)
    wall = f"ours {count / mine.wall:8.1f} images/s, bare {count / best.wall:8.1f}: ratio {best.wall / mine.wall:.2f}"
    cpu = f"ours {mine.cpu / count:.4f}, bare {best.cpu / count:.4f}: ratio {best.cpu / mine.cpu:.2f}"
    print(f"{name:<16} {wall}   CPU s an image: {cpu}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", choices=("cpu", "cuda", "mps"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "fp16", "bf16"), default="fp32")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--networks", nargs="*", choices=list(NETWORKS), default=list(NETWORKS))
    args = parser.parse_args()
    declare_operators()
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.manual_seed(0)
    images = read_images(Paths(ROOT)).sort_values(["shard", "offset"]).head(args.images)
    for name in args.networks:
        measure(name, images, args.repeats, {k: getattr(args, k) for k in ("device", "precision", "batch")})


if __name__ == "__main__":
    main()
