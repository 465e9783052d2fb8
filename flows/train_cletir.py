"""Train a system's aggregation networks: `python -m flows.train_cletir SYSTEM` (about a minute)."""

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.retrieval.cletir.section import TrainCletir
from fieldguide.retrieval.systems.sections.systems import System
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.step import run


@flow
def train_cletir(train_cletir: TrainCletir, systems: dict[str, System], system: str) -> None:
    """Write data/cletir/SYSTEM/: one network a fold, trained on the entities of all other folds."""
    from fieldguide.models.loading.parallel import one_thread
    from fieldguide.records.drawings import DRAWINGS
    from fieldguide.retrieval.cletir.examples import read_examples
    from fieldguide.retrieval.cletir.training import deal_folds, save_folds, train_folds
    from fieldguide.retrieval.systems.collection import SearchCollection
    from fieldguide.retrieval.systems.sections.cletir import CletirSystem

    section, paths = systems[system], Paths()
    if DRAWINGS.read(paths.drawings).empty:
        (paths.cletir / system).mkdir(parents=True, exist_ok=True)
        print(f"{system}: looks at drawings, and nothing was drawn: nothing to train")
        return
    if not isinstance(section, CletirSystem):
        raise TypeError(f"systems.{system} is of kind {section.kind}")  # params.yaml was validated to name no such
    collection = SearchCollection(paths)
    examples = read_examples(collection, section, train_cletir.split)
    folds = deal_folds(examples.entities, train_cletir.folds, train_cletir.seed)
    with one_thread():
        weights = save_folds(
            paths.cletir / system, section, collection, train_cletir, folds,
            train_folds(examples, folds, section.centre != "none", train_cletir, show_progress),
        )  # fmt: skip
    shares = ", ".join(f"{weight:.2f}" for weight in weights)
    print(f"{system}: {len(examples.texts)} phrases of {len(examples.entities)} entities, {len(weights)} networks")
    print(f"  weight of the image space: {shares}")


if __name__ == "__main__":
    run(train_cletir)
