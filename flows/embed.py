"""Encode the photographs of all splits with every encoder: `python -m flows.embed`."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from prefect import flow, task

from fieldguide.core.paths import Paths
from fieldguide.models.encoders.section import AnyEncoder
from fieldguide.retrieval.encoding.section import Embed
from fieldguide.runtime.fanout import each, on_cluster
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.step import run


@task(task_run_name="{name}")
def encode_part(items: Any, name: str, section: AnyEncoder, root: Path, revision: str, dtype: Any, batch: int) -> Any:
    """Some hundred vectors, by a process of a cluster."""
    from fieldguide.retrieval.encoding import workers

    return workers.encode_part(items, name, section, root, revision, dtype, batch)


def encode_with(
    name: str, section: AnyEncoder, embed: Embed, items: Callable[[Any], Any], folder: Path, asked: Iterable[str] = ()
) -> Any:
    """Encode what an encoder is given by `items(encoder)` into a folder: here, or on the cluster's workers.

    `asked`: entities that it has to know.
    """
    from fieldguide.models.encoders.registry import load_encoder
    from fieldguide.retrieval.encoding.encode import encode

    paths = Paths()

    def spread(chunks: Any, revision: str, dtype: Any) -> Any:
        root = paths.root.absolute()
        return each(encode_part, ((chunk, name, section, root, revision, dtype, embed.batch) for chunk in chunks))

    encoder = load_encoder(name, section, paths.root, asked)
    return encode(
        items(encoder), encoder, folder, paths.cache / "embeddings", dtype=section.dtype, batch=embed.batch,
        spread=spread if on_cluster() else None, track=show_progress,
    )  # fmt: skip


@flow
def embed(embed: Embed, encoders: dict[str, AnyEncoder]) -> None:
    """Write data/embeddings/ENCODER/ for each; print how many images it had not seen before."""
    from fieldguide.corpus.store.items import ITEM_COLUMNS, image_items
    from fieldguide.corpus.store.shards import read_images

    paths = Paths()
    photographs = image_items(read_images(paths, ITEM_COLUMNS), paths)
    for name in embed.encoders:
        done = encode_with(name, encoders[name], embed, lambda _: photographs, paths.embeddings(name))
        print(f"{name}: {done.rows} images, {done.encoded} encoded now", flush=True)


if __name__ == "__main__":
    run(embed)
