"""An answerer that reads values off image features, on planted vectors."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldguide.answering.answerers.features import UNREAD, Features, ValueProbe, decide
from fieldguide.answering.answerers.section import FeaturesAnswerer
from fieldguide.answering.question import Answered, Question, Shown, ShownEntity
from fieldguide.core.paths import Paths
from fieldguide.records.embeddings import Embeddings, write_embeddings
from fieldguide.records.images import IMAGES
from fieldguide.records.knowledge import ATTRIBUTES
from fieldguide.records.topics import Topic

DIMENSION = 8
ENCODER = "planted"
# Six entities, of which every other one is dark; on one the feature is unique.
ENTITIES = [f"bird{n}" for n in range(6)]
VALUES = {entity: "dark" if n % 2 else "light" for n, entity in enumerate(ENTITIES)}
UNIQUE = {entity: "blue" if n == 0 else "red" for n, entity in enumerate(ENTITIES)}
TRAIN, GALLERY = 6, 4


@pytest.fixture
def planted(tmp_path: Path) -> Paths:
    """Images whose vectors show the value, however it is asked, beside what is the entity's own."""
    paths, rng = Paths(tmp_path), np.random.default_rng(5)
    rows, vectors = [], []
    for entity in ENTITIES:
        own = rng.normal(size=DIMENSION) / 2
        for number, split in enumerate(["train"] * TRAIN + ["gallery"] * GALLERY):
            vector = own + rng.normal(size=DIMENSION) / 2
            vector[0] += 3 if VALUES[entity] == "dark" else -3
            rows.append(image_row(f"{entity}-{number}", entity, split))
            vectors.append(vector)
    IMAGES.write(_made(paths.images), IMAGES.frame(rows))
    write_attributes(paths, {"plumage": VALUES, "crown": UNIQUE})
    embed(paths, {row["image_id"]: vector for row, vector in zip(rows, vectors, strict=True)})
    return paths


def image_row(key: str, entity: str, split: str) -> dict[str, Any]:
    return {
        "image_id": key, "sha256": f"{key:>064}", "phash": "0" * 16, "width": 9, "height": 9, "format": "PNG",
        "entity_id": entity, "split": split, "source": "s", "source_key": key, "licence": None, "attribution": None,
        "copies": 1, "near_duplicate_of": None, "shard": "00000.tar", "offset": 0, "size": 1,
    }  # fmt: skip


def write_attributes(paths: Paths, features: Mapping[str, Mapping[str, str]]) -> None:
    rows = [
        {"entity_id": e, "feature": feature, "part": feature, "value": value, "source": "curated", "evidence": "seen"}
        for feature, values in features.items()
        for e, value in values.items()
    ]
    ATTRIBUTES.write(_made(paths.attributes), ATTRIBUTES.frame(rows))


def embed(paths: Paths, vectors: Mapping[str, Any]) -> None:
    keys = sorted(vectors)
    matrix = np.asarray([vectors[key] for key in keys], dtype=np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    batch = [(np.arange(len(keys)), matrix)]
    for folder, kind in ((paths.embeddings(ENCODER), "image"), (paths.queries(ENCODER), "drawing")):
        write_embeddings(
            folder, [(kind, key) for key in keys], batch, encoder=ENCODER, revision="r", dtype="float32",
            dimension=DIMENSION,
        )  # fmt: skip


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def made(paths: Paths) -> Features:
    return Features("it", FeaturesAnswerer(kind="features", encoder=ENCODER), paths.root)


def asked(form: str, entities: Sequence[str], value: str, feature: str = "plumage") -> Topic:
    values = {"plumage": VALUES, "crown": UNIQUE}[feature]
    own = {entity: values[entity] for entity in entities}
    return Topic("t1", "comparison", form, "?", tuple(entities), feature, feature, "", own, {"asked": value})


def put(topic: Topic, images: Mapping[str, Sequence[str]], kind: Any = "image") -> Question:
    """The topic with images by their ids."""
    own = [
        ShownEntity(
            s.subtopic_id, s.entity_id, s.entity_id, tuple(Shown(kind, key, key, "") for key in images[s.entity_id])
        )
        for s in topic.subtopics
    ]
    return Question(topic, tuple(own))


def gallery(*entities: str, count: int = GALLERY) -> dict[str, list[str]]:
    return {entity: [f"{entity}-{TRAIN + n}" for n in range(count)] for entity in entities}


def last_line(answered: Any) -> str:
    return str(answered.text.rpartition("\n")[2])


PAIRS = list(itertools.permutations(ENTITIES, 2))


def test_it_reads_the_value_off_entities_that_it_has_not_met(planted: Paths) -> None:
    answerer, right = made(planted), 0
    different = [pair for pair in PAIRS if VALUES[pair[0]] != VALUES[pair[1]]]
    for pair in different:
        (answered,) = answerer.answer([put(asked("which", pair, "dark"), gallery(*pair))])
        right += VALUES.get(last_line(answered)) == "dark"
    assert right / len(different) > 0.9


@pytest.mark.parametrize("form", ["which-not", "both", "truth"])
def test_other_forms(planted: Paths, form: str) -> None:
    answerer, right = made(planted), []
    for first, second in PAIRS:
        dark = [VALUES[entity] == "dark" for entity in (first, second)]
        if form != "both" and dark[0] == dark[1]:
            continue
        (answered,) = answerer.answer([put(asked(form, (first, second), "dark"), gallery(first, second))])
        wanted = {
            "which-not": second if dark[0] else first,
            "both": "yes" if all(dark) else "no",
            "truth": "yes" if dark[0] else "no",
        }[form]
        right.append(last_line(answered) == wanted)
    assert np.mean(right) > 0.9


def test_what_it_learns_from_excludes_the_entities_that_are_asked_about(
    planted: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt: list[str] = []
    rows = Embeddings.rows

    def watched(self: Embeddings, kind: Any, keys: Sequence[str]) -> Any:
        learnt.extend(keys)
        return rows(self, kind, keys)

    monkeypatch.setattr(Embeddings, "rows", watched)
    pair = ("bird2", "bird5")
    made(planted).answer([put(asked("which", pair, "dark"), {"bird2": [], "bird5": []})])
    wanted = {f"{e}-{n}" for e in ENTITIES if e not in pair for n in range(TRAIN)}  # and none of the gallery
    assert set(learnt) == wanted
    assert len(learnt) == len(wanted)


def test_vectors_of_the_asked_entities_cannot_change_what_it_learns(planted: Paths) -> None:
    """Their photographs of the train split are turned about; nothing changes."""
    pair = ("bird2", "bird5")
    before = made(planted).answer([put(asked("which", pair, "dark"), gallery(*pair))])
    stored = Embeddings.open(planted.embeddings(ENCODER))
    vectors = dict(zip(stored.keys("image"), np.array(stored.vectors), strict=True))
    for entity in pair:
        for n in range(TRAIN):
            vectors[f"{entity}-{n}"] = -vectors[f"{entity}-{n}"]
    embed(planted, vectors)
    assert made(planted).answer([put(asked("which", pair, "dark"), gallery(*pair))]) == before
    other = ("bird0", "bird1")  # whose probe has met them
    assert made(planted)._one(put(asked("which", other, "dark"), gallery(*other))) != before[0]


def test_the_order_of_images_changes_nothing(planted: Paths) -> None:
    answerer, pair = made(planted), ("bird0", "bird3")
    shown = gallery(*pair)
    answers = [
        answerer.answer([put(asked("which", pair, "dark"), {**shown, "bird0": list(some)})])[0]
        for some in itertools.permutations(shown["bird0"])
    ]
    assert answers == answers[:1] * len(answers)


def test_the_probe_s_answer_does_not_depend_on_what_is_asked_beside_it(planted: Paths) -> None:
    questions = [put(asked("which", pair, "dark"), gallery(*pair)) for pair in PAIRS[:8]]
    together = made(planted).answer(questions)
    assert [made(planted).answer([question])[0] for question in questions] == together


def test_a_value_that_no_other_entity_has_cannot_be_read(planted: Paths) -> None:
    pair = ("bird0", "bird3")
    answered = made(planted).answer([put(asked("which", pair, "blue", "crown"), gallery(*pair))])
    assert answered == [Answered(UNREAD)]
    met = ("bird2", "bird3")  # neither is the blue one, which can be learnt from
    assert made(planted).answer([put(asked("both", met, "blue", "crown"), gallery(*met))]) != [Answered(UNREAD)]
    nothing_else = asked("which", ENTITIES, "dark")
    assert made(planted).answer([put(nothing_else, gallery(*ENTITIES))]) == [Answered(UNREAD)]


def test_a_question_without_a_value_is_not_answered(planted: Paths) -> None:
    for topic in (
        dataclasses.replace(asked("which", ENTITIES[:2], "dark"), provenance={}),
        asked("entity", ENTITIES[:1], "dark"),
    ):
        (answered,) = made(planted).answer([put(topic, gallery(*topic.entities))])
        assert isinstance(answered, Answered)
        assert "I cannot tell" in answered.text


def test_without_images_the_first_is_chosen_and_nothing_is_sure(planted: Paths) -> None:
    for pair in (("bird0", "bird3"), ("bird3", "bird0")):
        (answered,) = made(planted).answer([put(asked("which", pair, "dark"), {e: [] for e in pair})])
        assert (last_line(answered), answered.confidence) == (pair[0], 0.0)  # type: ignore[union-attr]


def test_it_looks_at_drawings_and_reads_no_captions(planted: Paths) -> None:
    pair = ("bird0", "bird3")
    images = made(planted).answer([put(asked("which", pair, "dark"), gallery(*pair))])
    assert made(planted).answer([put(asked("which", pair, "dark"), gallery(*pair), "drawing")]) == images
    (told,) = made(planted).answer([put(asked("which", pair, "dark"), gallery(*pair), "caption")])
    assert told.confidence == 0.0  # type: ignore[union-attr]


def test_images_of_the_other_one_make_it_answer_the_other(planted: Paths) -> None:
    shown = gallery("bird0", "bird3")
    (answered,) = made(planted).answer(
        [put(asked("which", ("bird0", "bird3"), "dark"), {"bird0": shown["bird3"], "bird3": shown["bird0"]})]
    )
    assert last_line(answered) == "bird0"


@pytest.mark.parametrize(
    ("form", "believed", "said", "confidence"),
    [
        ("which", (0.2, 0.9), "b", 0.7),
        ("which", (0.4, 0.4), "a", 0.0),
        ("which-not", (0.2, 0.9), "a", 0.7),
        ("both", (0.7, 0.9), "yes", 0.4),
        ("both", (0.3, 0.9), "no", 0.4),
        ("both", (0.5, 0.9), "no", 0.0),
        ("truth", (0.8, 0.5), "yes", 0.3),
        ("truth", (0.5, 0.8), "no", 0.3),
    ],
)
def test_decisions_by_hand(form: str, believed: tuple[float, ...], said: str, confidence: float) -> None:
    topic = dataclasses.replace(asked(form, ENTITIES[:2], "dark"), entities=("a", "b"))
    answered = decide(topic, believed, {"a": "a", "b": "b"}, "dark")
    assert last_line(answered) == said
    assert answered.confidence == pytest.approx(confidence)


def test_a_probe_is_a_weighted_logistic_regression() -> None:
    """By gradient descent on the penalised likelihood."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(20, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = (vectors[:, 0] + rng.normal(size=20) / 3 > 0).astype(int)
    weights = rng.uniform(0.5, 1.5, 20)
    scaled, w, b = weights * 20 / weights.sum(), np.zeros(3), 0.0
    for _ in range(20_000):
        residual = scaled * (1 / (1 + np.exp(-(vectors @ w + b))) - labels)
        w, b = w - 0.01 * (vectors.T @ residual + w / 2.0), b - 0.01 * residual.sum()
    probe = ValueProbe(vectors, labels.tolist(), weights.tolist(), strength=2.0)
    wanted = 1 / (1 + np.exp(-float(np.mean(vectors[:4] @ w + b))))
    assert probe(vectors[:4]) == pytest.approx(wanted, abs=1e-4)


def test_entities_count_alike_and_both_answers_as_much(planted: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the two dark entities lacks most of its photographs; three light ones have theirs."""
    images = IMAGES.read(planted.images)
    lacking = [f"bird1-{n}" for n in range(2, TRAIN)]
    IMAGES.write(planted.images, images[~images["image_id"].isin(lacking)])
    learnt: list[tuple[Sequence[int], Sequence[float]]] = []

    class Watched(ValueProbe):
        def __init__(self, vectors: Any, labels: Sequence[int], weights: Sequence[float], strength: float) -> None:
            learnt.append((labels, weights))
            super().__init__(vectors, labels, weights, strength)

    monkeypatch.setattr("fieldguide.answering.answerers.features.ValueProbe", Watched)
    made(planted).answer([put(asked("which", ("bird5", "bird0"), "dark"), {"bird5": [], "bird0": []})])
    ((labels, weights),) = learnt
    # Dark: bird1 with 2 photographs, bird3 with 6; light: bird2 and bird4 with 6 each.
    assert labels == [1] * 8 + [0] * 12
    assert weights == pytest.approx([1 / 4] * 2 + [1 / 12] * 6 + [1 / 12] * 12)
