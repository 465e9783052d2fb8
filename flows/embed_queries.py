"""Encode questions, phrases, captions and drawings with one encoder: `python -m flows.embed_queries ENCODER`."""

from fieldguide.runtime.stage import Run, stage
from fieldguide.runtime.workers import workers


@stage
def embed_queries(run: Run, encoder: str) -> None:
    """Write data/queries/ENCODER/ with what this encoder can encode among them; print how many were new."""
    from fieldguide.corpus.items import drawing_items, text_items, word_items
    from fieldguide.models.registry import load_encoder
    from fieldguide.records.drawings import CAPTIONS, DRAWINGS
    from fieldguide.records.topics import RECOMPOSED, read_components, read_phrases, read_topics
    from fieldguide.retrieval.encoding.encode import encode

    spec, paths = run.params.encoder(encoder), run.paths
    loaded = load_encoder(encoder, spec, paths.root)
    items = []
    if "text" in loaded.modalities:
        items += text_items(read_topics(paths.topics), read_phrases(paths.phrases))
        items += word_items("expansion", (phrase.text for phrase in read_phrases(paths.expansions)))
        items += word_items("component", (component.text for component in read_components(paths.components)))
        items += word_items("caption", CAPTIONS.read(paths.captions)["text"].dropna())
        items += word_items("recomposed", RECOMPOSED.read(paths.recomposed)["text"].dropna())
    if "image" in loaded.modalities:
        items += drawing_items(DRAWINGS.read(paths.drawings), paths)
    with workers(run, encoder) as spread:
        summary = encode(
            items,
            loaded,
            paths.queries(encoder),
            paths.cache / "embeddings",
            dtype=spec.dtype,
            batch=run.params.embed.batch,
            workers=spread,
            track=run.track,
        )
    print(f"{encoder}: {summary.rows} queries, {summary.encoded} encoded now")


if __name__ == "__main__":
    embed_queries.main()
