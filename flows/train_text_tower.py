"""Train the text tower on the train split: `python -m flows.train_text_tower` (about a minute).

The weights are part of the repository. Weights of the same recipe stay as they are: remove the folder to train anew.
"""

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.step import run


@flow
def train_text_tower(params: Params) -> None:
    """Write data/models/text-tower/."""
    from dataclasses import asdict
    from itertools import islice

    import numpy as np

    from fieldguide.models.encoders.section import TextTowerEncoder
    from fieldguide.models.loading.protocols import unit_rows
    from fieldguide.models.networks import stored
    from fieldguide.models.networks.mobilenetv2 import MobileNetV2Network
    from fieldguide.models.networks.sentences import SentenceEncoder
    from fieldguide.retrieval.training.text_tower import TowerRecipe, train_tower
    from fieldguide.retrieval.training.train_split import read_train_split

    values, paths = params.train_text_tower, Paths()
    spec = next(spec for spec in params.encoders.values() if isinstance(spec, TextTowerEncoder))
    recipe = TowerRecipe(epochs=values.epochs, learning_rate=values.learning_rate, seed=values.seed)
    folder = paths.root / spec.tower
    if stored.holds(folder, {"recipe": asdict(recipe)}):
        print(f"{folder}: was trained by this recipe and is kept; remove it to train anew")
        return
    split = read_train_split(paths, values.split)
    sentences = SentenceEncoder(paths.root / spec.text)
    network = MobileNetV2Network(paths.root / spec.weights)
    photographs = split.photographs()
    features = [network.features(some) for some in iter(lambda: list(islice(photographs, 64)), [])]
    tower = train_tower(
        unit_rows(np.concatenate(features)),
        split.labels,
        [sentences.encode(phrases) for phrases in split.phrases],
        recipe,
        show_progress,
    )
    trained = {"network": tower.shape, "recipe": asdict(recipe), "entities": split.entities}
    stored.save(folder, tower, trained, split.images["image_id"])
    print(f"{len(split.images)} photographs of {len(split.entities)} entities: {folder}")


if __name__ == "__main__":
    run(train_text_tower)
