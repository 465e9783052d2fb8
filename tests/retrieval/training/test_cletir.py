"""CLETIR: the network against its formula, training on planted problems, and nothing learnt from what is asked."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import read_json
from fieldguide.core.paths import Paths
from fieldguide.models.networks.aggregation import Aggregation, load_aggregation
from fieldguide.params import parse_params
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.embeddings import text_key
from fieldguide.records.images import IMAGES
from fieldguide.retrieval.cletir.examples import CletirExamples, read_examples
from fieldguide.retrieval.cletir.section import TrainCletir
from fieldguide.retrieval.cletir.training import deal_folds, save_folds, train_aggregation, train_folds
from fieldguide.retrieval.search import Floats, unit
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.registry import make_system
from fieldguide.retrieval.systems.sections.cletir import CletirSystem
from tests.builders import ENCODER, rewrite, tiny_benchmark, tiny_params

D = 16
RECIPE = TrainCletir(folds=2, steps=40, batch=6, learning_rate=0.01, temperature=0.1, seed=1)


def rows(rng: np.random.Generator, n: int, d: int = D) -> Floats:
    return unit(rng.normal(size=(n, d)).astype(np.float32))


def softmax(values: Any) -> Any:
    powers = np.exp(values - values.max())
    return powers / powers.sum()


def test_the_mean_attends_over_itself_and_the_drawings_twice() -> None:
    torch.manual_seed(0)
    network, rng = Aggregation(D).double(), np.random.default_rng(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    drawings = rows(rng, 3).astype(np.float64)
    token = drawings.mean(axis=0)
    for layer in network.layers:
        weights = {name: value.detach().numpy() for name, value in layer.state_dict().items()}

        def linear(name: str, x: Any, weights: Any = weights) -> Any:
            return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

        tokens = np.vstack([token, drawings])
        attention = softmax(linear("query", token) @ linear("key", tokens).T / np.sqrt(D))
        token = linear("out", attention @ linear("value", tokens))
    wanted = token / np.linalg.norm(token)
    assert np.allclose(network(torch.from_numpy(drawings)[None])[0].detach().numpy(), wanted, atol=1e-12)


def test_keys_start_as_queries_and_the_weight_at_a_half() -> None:
    network = Aggregation(D)
    for layer in network.layers:
        assert torch.equal(layer.key.weight, layer.query.weight)
    assert float(network.weight.detach()) == 0.5


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(0, 1000))
def test_the_order_of_drawings_does_not_count_and_one_stays_itself(k: int, seed: int) -> None:
    torch.manual_seed(seed)
    network, rng = Aggregation(D).double(), np.random.default_rng(seed)
    drawings = torch.from_numpy(rows(rng, k)).double()
    made = network(drawings[None])[0]
    assert torch.allclose(made, network(drawings[torch.randperm(k)][None])[0], atol=1e-12)
    assert torch.allclose(made.norm(), torch.ones((), dtype=torch.float64))
    if k == 1:
        assert torch.allclose(made, drawings[0], atol=1e-6)


def planted(text_knows: bool, entities: int = 6, seed: int = 0) -> CletirExamples:
    """Entities are directions. One space shows them plainly, the other nothing at all."""
    rng = np.random.default_rng(seed)
    centres, asked = rows(rng, entities), np.repeat(np.arange(entities), 2)
    shown = np.repeat(np.arange(entities), 5)

    def near(labels: Any, knows: bool) -> Floats:
        noise = rng.normal(scale=0.1, size=(len(labels), D)).astype(np.float32)
        return unit(centres[labels] + noise) if knows else rows(rng, len(labels))

    drawings = [unit(near([e] * 3, not text_knows)) for e in asked]
    names = [f"entity-{n}" for n in range(entities)]
    return CletirExamples(
        names, drawings, near(asked, text_knows), asked, near(shown, not text_knows), near(shown, text_knows), shown
    )


def test_the_weight_goes_to_the_space_that_knows() -> None:
    by_text, by_image = (train_aggregation(planted(knows), RECIPE) for knows in (True, False))
    assert float(by_text.weight.detach()) < 0.3
    assert float(by_image.weight.detach()) > 0.7


def test_aggregation_learns_to_look_past_a_bad_drawing() -> None:
    """One drawing of each phrase is always the same rubbish, and photographs lie near it too."""
    examples, rng = planted(text_knows=False, entities=8), np.random.default_rng(3)
    rubbish = rows(rng, 1)
    drawings = [np.concatenate([vectors[:1], rubbish, rubbish]) for vectors in examples.drawings]
    examples = dataclasses.replace(examples, drawings=drawings, photographs=unit(examples.photographs + 0.7 * rubbish))

    def margin(query: Floats) -> float:
        cosines, own = query @ examples.photographs.T, examples.shown == examples.asked[:, None]
        return float(cosines[own].mean() - cosines[~own].mean())

    network = train_aggregation(examples, RECIPE.model_copy(update={"steps": 150}))
    with torch.inference_mode():
        made = network(torch.from_numpy(np.stack(drawings))).numpy()
    assert margin(made) > 1.5 * margin(unit(np.stack(drawings).mean(axis=1)))


def test_a_fold_learns_nothing_of_its_own_entities() -> None:
    examples = planted(text_knows=False)
    folds = deal_folds(examples.entities, 2, seed=4)
    hidden = [n for n, entity in enumerate(examples.entities) if folds[entity] == 0]
    rng = np.random.default_rng(9)
    other = dataclasses.replace(
        examples,
        drawings=[rows(rng, 3) if e in hidden else v for e, v in zip(examples.asked, examples.drawings, strict=True)],
        photographs=np.where(
            np.isin(examples.shown, hidden)[:, None], rows(rng, len(examples.shown)), examples.photographs
        ),
    )
    for centre in (True, False):
        ours, theirs = (dict(train_folds(some, folds, centre, RECIPE)) for some in (examples, other))
        same = {fold: all(map(torch.equal, ours[fold].parameters(), theirs[fold].parameters())) for fold in ours}
        assert same == {0: True, 1: False}


@given(st.integers(2, 30), st.integers(2, 8), st.integers(0, 99))
def test_folds_are_even_and_everybody_is_in_one(entities: int, folds: int, seed: int) -> None:
    names = [f"e{n}" for n in range(entities)]
    if entities < folds:
        with pytest.raises(FieldguideError, match=f"{entities} entities .* too few for {folds} folds"):
            deal_folds(names, folds, seed)
        return
    dealt = deal_folds(names, folds, seed)
    sizes = np.bincount(list(dealt.values()), minlength=folds)
    assert sorted(dealt) == sorted(names)
    assert sizes.max() - sizes.min() <= 1


def spec(**values: Any) -> CletirSystem:
    section = {"kind": "cletir", "encoder": ENCODER, "text_encoder": ENCODER, "images": 2, "network": "cletir"}
    return CletirSystem.model_validate(section | values)


@pytest.fixture
def collection(tmp_path: Path) -> SearchCollection:
    return SearchCollection(tiny_benchmark(tmp_path))


def trained(collection: SearchCollection, section: CletirSystem, centre: bool) -> None:
    examples = read_examples(collection, section, "train")
    folds = deal_folds(examples.entities, 3, seed=0)
    made = train_folds(examples, folds, centre, RECIPE)
    weights = save_folds(collection.paths.cletir / "cletir", section, collection, RECIPE, folds, made)
    assert len(weights) == 3


def test_untrained_forms_are_the_average_and_a_fixed_weight(collection: SearchCollection) -> None:
    score = make_system(spec(aggregation="average", weight=0.25, network=None), collection)
    images, queries = collection.images(ENCODER), collection.queries(ENCODER)
    gallery = images.rows("image", collection.gallery)
    everything = np.arange(len(gallery), dtype=np.intp)
    for subtopic in collection.subtopics:
        query = unit(queries.rows("drawing", collection.drawings_of(subtopic, 2)).mean(axis=0, keepdims=True))
        words = queries.rows("phrase", [text_key(collection.phrases[subtopic.subtopic_id])])
        found = score(subtopic, everything)
        assert found is not None
        assert np.allclose(found, (0.25 * query @ gallery.T + 0.75 * words @ gallery.T)[0], atol=1e-5)


@pytest.mark.parametrize("centre", ["none", "topics"])
def test_each_subtopic_is_ranked_by_the_network_of_its_fold(collection: SearchCollection, centre: str) -> None:
    section = spec(centre=centre)
    trained(collection, section, centre != "none")
    score, text = make_system(section, collection), make_system(spec(centre=centre, weight=0.0), collection)
    folder = collection.paths.cletir / "cletir"
    folds = read_json(folder / "config.json")["folds"]
    everything = np.arange(len(collection.gallery), dtype=np.intp)
    image = make_system(spec(centre=centre, weight=1.0), collection)
    for subtopic in collection.subtopics:
        weight = float(load_aggregation(folder / f"fold-{folds[subtopic.entity_id]}").weight.detach())
        found, by_image, by_text = (np.asarray(s(subtopic, everything)) for s in (score, image, text))
        assert np.allclose(found, weight * by_image + (1 - weight) * by_text, atol=1e-6)


def test_a_subtopic_whose_drawings_all_failed_is_not_ranked(collection: SearchCollection) -> None:
    subtopic = collection.subtopics[0]
    phrase = collection.phrases[subtopic.subtopic_id]
    failed = DRAWINGS.read(collection.paths.drawings)
    failed.loc[failed["prompt"] == phrase, ["status", "reason"]] = ["failed", "refused"]
    DRAWINGS.write(collection.paths.drawings, failed)
    collection = SearchCollection(collection.paths)
    score = make_system(spec(aggregation="average", weight=0.5, network=None), collection)
    assert score(subtopic, np.arange(3, dtype=np.intp)) is None
    examples = read_examples(collection, spec(), "train")
    assert phrase not in {
        collection.phrases[s.subtopic_id] for s in collection.subtopics if s.entity_id in examples.entities
    }


def test_what_is_not_trained_or_trained_for_something_else_is_told(collection: SearchCollection) -> None:
    with pytest.raises(FieldguideError, match=r"nothing is trained here; `dvc repro train_cletir@cletir` does it"):
        make_system(spec(), collection)
    trained(collection, spec(), centre=False)
    make_system(spec(), collection)
    with pytest.raises(ProblemsError) as caught:
        make_system(spec(centre="topics", query="question"), collection)
    told = [problem.what for problem in caught.value.problems]
    assert told == ["query was 'phrase', here it is 'question'", "centre was False, here it is True"]


def test_without_photographs_there_is_nothing_to_learn_from(tmp_path: Path) -> None:
    paths = tiny_benchmark(tmp_path)
    rewrite(IMAGES, paths.images, split="gallery")
    with pytest.raises(FieldguideError, match="split 'train' has no photograph of an entity that is drawn"):
        read_examples(SearchCollection(Paths(tmp_path)), spec(), "train")


def test_params_say_what_nobody_trains() -> None:
    values = tiny_params().model_dump(mode="json")
    section = {"kind": "cletir", "encoder": ENCODER, "text_encoder": ENCODER, "images": 2}
    values["systems"] |= {
        "cletir": section | {"network": "cletir"},
        "fixed": section | {"aggregation": "average", "weight": 1},
    }
    values["train_cletir"]["systems"] = ["fixed"]
    with pytest.raises(ProblemsError) as caught:
        parse_params(values)
    assert {p.where.removeprefix("params.yaml: "): p.what for p in caught.value.problems} == {
        "train_cletir.systems.0": "'fixed' is no system of kind cletir that learns",
        "systems.cletir.network": "'cletir' is not in train_cletir.systems; allowed: fixed",
    }
    values["systems"] = {**tiny_params().model_dump(mode="json")["systems"], "cletir": section}
    values["train_cletir"]["systems"] = []
    with pytest.raises(ProblemsError, match=r"network must name a system of train_cletir\.systems"):
        parse_params(values)
