"""Train a system's aggregation networks: `python -m flows.train_cletir SYSTEM` (about two minutes)."""

from fieldguide.runtime.stage import Run, stage


@stage
def train_cletir(run: Run, system: str) -> None:
    """Write data/cletir/SYSTEM/: one network a fold, trained on the entities of all other folds."""
    from fieldguide.models.parallel import one_thread
    from fieldguide.retrieval.cletir.examples import read_examples
    from fieldguide.retrieval.cletir.training import deal_folds, save_folds, train_folds
    from fieldguide.retrieval.systems.collection import SearchCollection
    from fieldguide.retrieval.systems.sections.cletir import CletirSystem

    spec, recipe = run.params.system(system), run.params.train_cletir
    if not isinstance(spec, CletirSystem):
        raise TypeError(f"systems.{system} is of kind {spec.kind}")  # params.yaml was validated to name no such
    collection = SearchCollection(run.paths)
    examples = read_examples(collection, spec, recipe.split)
    folds = deal_folds(examples.entities, recipe.folds, recipe.seed)
    with one_thread():
        weights = save_folds(
            run.paths.cletir / system, spec, collection, recipe, folds,
            train_folds(examples, folds, spec.centre != "none", recipe, run.track),
        )  # fmt: skip
    shares = ", ".join(f"{weight:.2f}" for weight in weights)
    print(f"{system}: {len(examples.texts)} phrases of {len(examples.entities)} entities, {len(weights)} networks")
    print(f"  weight of the image space: {shares}")


if __name__ == "__main__":
    train_cletir.main()
