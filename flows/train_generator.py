"""Train the example's generator on the train split: `python -m flows.train_generator` (most of an hour).

The weights are part of the repository. Weights of the same recipe stay as they are: remove the folder to train anew.
"""

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.step import run


@flow
def train_generator(params: Params) -> None:
    """Write data/models/generator/; print the loss as it falls. A killed training goes on from its last checkpoint."""
    from dataclasses import asdict

    from fieldguide.core.files import content_key
    from fieldguide.models.networks import stored
    from fieldguide.models.networks.sentences import SentenceEncoder
    from fieldguide.models.networks.unet import UNetConfig
    from fieldguide.retrieval.training.generator import Examples, Recipe, prepare, train
    from fieldguide.retrieval.training.train_split import read_train_split

    values, paths = params.train_generator, Paths()
    config = UNetConfig.for_images(values.size, values.channels)
    recipe = Recipe(steps=values.steps, batch=values.batch, learning_rate=values.learning_rate, seed=values.seed)
    folder, made = paths.models / "generator", {"network": config.to_json(), "recipe": asdict(recipe)}
    if stored.holds(folder, made):
        print(f"{folder}: was trained by this recipe and is kept; remove it to train anew")
        return
    split = read_train_split(paths, values.split)
    sentences = SentenceEncoder(paths.root / params.trained_generator().text)
    examples = Examples(
        prepare(split.photographs(), values.size, recipe.margin),
        split.labels,
        [sentences.encode(phrases) for phrases in split.phrases],
        sentences.encode(split.generic),
    )
    trained = made | {"entities": split.entities}
    key = content_key(images=split.images["sha256"].tolist(), phrases=split.phrases, **trained)
    checkpoint = paths.cache / "training" / f"{key}.safetensors"
    network = train(
        examples, config, recipe, checkpoint=checkpoint, track=show_progress,
        report=lambda step, loss: print(f"step {step} of {recipe.steps}: loss {loss:.4f}", flush=True),
    )  # fmt: skip
    stored.save(folder, network, trained, split.images["image_id"])
    checkpoint.unlink(missing_ok=True)
    print(f"{len(split.images)} photographs of {len(split.entities)} entities: {folder}")


if __name__ == "__main__":
    run(train_generator)
