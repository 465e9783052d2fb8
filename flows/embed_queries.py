"""Encode questions, phrases, captions and drawings with every encoder: `python -m flows.embed_queries`."""

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.models.encoders.section import AnyEncoder
from fieldguide.retrieval.encoding.section import Embed
from fieldguide.runtime.step import run
from flows.embed import encode_with


@flow
def embed_queries(embed: Embed, encoders: dict[str, AnyEncoder]) -> None:
    """Write data/queries/ENCODER/ with what each encoder can encode among them; print how many were new."""
    from fieldguide.records.topics import asked_entities
    from fieldguide.retrieval.encoding.queries import query_items

    paths = Paths()
    asked = asked_entities(paths.topics)
    for name in embed.encoders:
        folder = paths.queries(name)
        done = encode_with(name, encoders[name], embed, lambda encoder: query_items(encoder, paths), folder, asked)
        print(f"{name}: {done.rows} queries, {done.encoded} encoded now", flush=True)


if __name__ == "__main__":
    run(embed_queries)
