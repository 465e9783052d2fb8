"""Encode the photographs of all splits with one encoder: `python -m flows.embed ENCODER`."""

from fieldguide.runtime.stage import Run, stage
from fieldguide.runtime.workers import workers


@stage
def embed(run: Run, encoder: str) -> None:
    """Write data/embeddings/ENCODER/; print how many images it had not seen before."""
    from fieldguide.corpus.items import image_items
    from fieldguide.corpus.shards import read_images
    from fieldguide.models.registry import load_encoder
    from fieldguide.retrieval.encoding.encode import encode

    spec, paths = run.params.encoder(encoder), run.paths
    with workers(run, encoder) as spread:
        summary = encode(
            image_items(read_images(paths), paths),
            load_encoder(encoder, spec, paths.root),
            paths.embeddings(encoder),
            paths.cache / "embeddings",
            dtype=spec.dtype,
            batch=run.params.embed.batch,
            workers=spread,
            track=run.track,
        )
    print(f"{encoder}: {summary.rows} images, {summary.encoded} encoded now")


if __name__ == "__main__":
    embed.main()
