import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import sha256_file
from fieldguide.core.paths import Paths
from fieldguide.queries.topics.compose import compose
from fieldguide.queries.topics.selection import without_surplus
from fieldguide.records.images import IMAGES
from fieldguide.records.knowledge import ATTRIBUTES, ENTITIES, GROUPS
from fieldguide.records.topics import read_refusals, read_topics
from tests.models.endpoint import Endpoint, completion, endpoint
from tests.queries.topics.builders import attributes, entities, groups, params

MOST = 1.0  # no question is left out for its answer
NAMES = ("Anjou", "Bosc", "Fuji", "Gala", "Red")
ROWS = [
    ("anjou", "shape", "outline", "squat"), ("bosc", "shape", "outline", "long"),
    ("fuji", "shape", "outline", "round"), ("gala", "shape", "outline", "round"),
    ("anjou", "colour", "skin", "green"), ("bosc", "colour", "skin", "brown"),
    ("fuji", "colour", "skin", "red"), ("gala", "colour", "skin", "yellow"), ("red", "colour", "skin", "red"),
    ("fuji", "pattern", "skin", "plain"),
]  # fmt: skip


def benchmark(root: Path) -> Paths:
    paths = Paths(root)
    ENTITIES.write(paths.entities, entities(*NAMES))
    known = [{"entity_id": name.casefold(), "name": name, "taxonomy": ["fruit", "apple", name]} for name in NAMES]
    paths.knowledge.mkdir(parents=True)
    (paths.knowledge / "entities.jsonl").write_text("".join(json.dumps(entity) + "\n" for entity in known))
    (paths.knowledge / "attributes.csv").write_text("entity_id,feature,part,value,evidence\n")
    ATTRIBUTES.write(paths.attributes, attributes(*ROWS))
    found = groups(["anjou", "bosc"], ["fuji", "gala"], ["gala", "red"], ["bosc", "fuji"], scores=[0.9, 0.8, 0.7, 0.1])
    GROUPS.write(paths.groups, found)
    rows = [
        {
            "image_id": f"{number:016x}",
            "sha256": "0",
            "phash": "0",
            "width": 1,
            "height": 1,
            "format": "PNG",
            "entity_id": name,
            "split": split,
            "source": "shop",
            "source_key": str(number),
            "licence": None,
            "attribution": None,
            "copies": 1,
            "near_duplicate_of": None,
            "shard": "0.tar",
            "offset": 0,
            "size": 1,
        }
        for number, (name, split) in enumerate(
            [("anjou", "gallery"), ("bosc", "train"), (None, "gallery"), ("fuji", "gallery")]
        )
    ]
    IMAGES.write(paths.images, IMAGES.frame(rows))
    return paths


def test_writes_topics_sorted_and_refusals_and_counts_them(tmp_path: Path) -> None:
    paths = benchmark(tmp_path)
    summary = compose(params(), MOST, paths)
    topics = read_topics(paths.topics)
    assert [t.topic_id for t in topics] == sorted(t.topic_id for t in topics)
    assert {t.text for t in topics if t.kind == "entity"} == {
        "What does an Anjou look like?",
        "What does a Fuji look like?",
    }
    comparisons = [t for t in topics if t.kind == "comparison"]
    assert (summary.comparisons, summary.entity_topics) == (len(comparisons), 2)
    assert {frozenset(t.entities) for t in comparisons} == {frozenset({"anjou", "bosc"}), frozenset({"fuji", "gala"})}
    for topic in comparisons:
        assert set(topic.values) == set(topic.entities)
        assert topic.provenance["group_id"] == "+".join(sorted(topic.entities))
        assert set(topic.provenance) == {"composer", "template", "seed", "group_id", "asked", "sources"}
    refused = {(r.what, r.reason) for r in read_refusals(paths.refused_topics)}
    assert refused >= {
        ("fuji+gala pattern", "attribute-unknown"),
        ("gala+red colour", "gives-away-answer"),
        ("gala+red shape", "attribute-unknown"),
        ("which: fuji+gala shape", "not-distinguishing"),
        ("entity: bosc", "no-photographs"),
        ("entity: gala", "no-photographs"),
    }
    lines = "\n".join(summary.lines())
    assert f"{len(comparisons)} comparison topics of" in lines
    assert "  both       answers: 1 no, 1 yes;" in lines
    assert "1 gives-away-answer" in lines


def test_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = benchmark(tmp_path)
    hashes = []
    for _ in range(2):
        compose(params(), MOST, paths)
        hashes.append([sha256_file(path) for path in (paths.topics, paths.refused_topics)])
    assert hashes[0] == hashes[1]


def test_only_as_many_groups_as_topics_are_considered(tmp_path: Path) -> None:
    summary = compose(params(max_topics=1), MOST, benchmark(tmp_path))
    assert (summary.comparisons, summary.groups, summary.groups_left) == (1, 1, 2)
    assert "2 less confusable groups were not needed" in summary.lines()[0]


def test_no_question_at_all_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    paths = benchmark(tmp_path)
    ATTRIBUTES.write(paths.attributes, attributes(("anjou", "shape", "outline", "squat")))
    images = IMAGES.read(paths.images)
    IMAGES.write(paths.images, images[images["entity_id"].isna()])
    with pytest.raises(
        FieldguideError, match="no question could be put; the 6 reasons: 1 attribute-unknown, 5 no-photographs"
    ):
        compose(params(), MOST, paths)


def question(**changes: Any) -> dict[str, Any]:
    good = {
        "form": "which",
        "text": "Which has the longer outline, a long one: an Anjou or a Bosc?",
        "entities": ["anjou", "bosc"],
        "feature": "shape",
        "value": "long",
        "answer": "bosc",
    }
    return {**good, **changes}


def by_chat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: str | None, **kind: Any) -> tuple[Paths, Endpoint]:
    """Compose with an endpoint that gives this reply about Anjou and Bosc, and no question about others."""
    monkeypatch.setenv("TEST_CHAT_KEY", "k")
    paths = benchmark(tmp_path)

    def act(_: int, body: dict[str, Any]) -> tuple[int, Any]:
        about_pears = '"anjou"' in body["messages"][1]["content"]
        return 200, completion(reply if about_pears else '{"questions": []}', **(kind if about_pears else {}))

    with endpoint(act) as server:
        chat = {"base_url": server.base_url, "model": "tiny", "api_key_variable": "TEST_CHAT_KEY", "retries": 0}
        compose(params(composer="chat", chat=chat), MOST, paths)
        compose(params(composer="chat", chat=chat), MOST, paths)
    return paths, server


def test_a_chat_model_is_asked_once_a_group_for_what_can_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = "```json\n" + json.dumps({"questions": [question()]}) + "\n```"
    paths, server = by_chat(tmp_path, monkeypatch, reply)
    (topic,) = [t for t in read_topics(paths.topics) if t.kind == "comparison"]
    assert (topic.text, topic.answer) == (question()["text"], "Bosc")
    assert topic.provenance["composer"] == "chat"
    assert topic.provenance["model"] == "tiny"
    prompts = [json.loads(body["messages"][1]["content"]) for body in server.requests]
    features = {p["entities"][0]["id"]: set(p["entities"][0]["features"]) for p in prompts}
    assert features == {"anjou": {"colour", "shape"}, "fuji": {"colour", "shape"}}
    assert len(prompts) == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"form": "why"}, "unknown-form"),
        ({"feature": "weight"}, "attribute-unknown"),
        ({"entities": ["anjou", "fuji"]}, "unknown-entity"),
        ({"entities": ["bosc", "anjou"]}, "names-not-as-listed"),
        ({"text": "Which is long, the first or a Bosc?"}, "names-not-as-listed"),
        ({"value": "tall"}, "unknown-value"),
        ({"text": "Which is more slender: an Anjou or a Bosc?"}, "value-not-named"),
        ({"form": "both", "answer": "yes"}, "wrong-answer"),
        ({"answer": "anjou"}, "wrong-answer"),
        ({"text": "An Anjou or a Bosc is long."}, "invalid-reply"),
        ({"text": "Long:\nan Anjou or a Bosc?"}, "invalid-reply"),
        ({"entities": "anjou"}, "invalid-reply"),
    ],
)
def test_a_chat_models_question_is_held_to_the_same_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], reason: str
) -> None:
    reply = json.dumps(
        {"questions": [question(**changes), question(), question(text="Which is long, an Anjou or a Bosc?")]}
    )
    paths, _ = by_chat(tmp_path, monkeypatch, reply)
    reasons = [
        r.reason
        for r in read_refusals(paths.refused_topics)
        if "Anjou" in r.what or r.what == "anjou+bosc" or "Bosc" in r.what
    ]
    assert reasons == [reason, "duplicate"]
    assert sum(t.kind == "comparison" for t in read_topics(paths.topics)) == 1


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        ("Sure! Here are your questions.", {}, "invalid-reply"),
        ('{"questions": {}}', {}, "invalid-reply"),
        (None, {"refusal": "I do not compare pears."}, "model-refused"),
    ],
)
def test_a_reply_without_questions_is_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: str | None, kind: dict[str, Any], reason: str
) -> None:
    paths, _ = by_chat(tmp_path, monkeypatch, reply, **kind)
    refused = {r.what: r.reason for r in read_refusals(paths.refused_topics)}
    assert refused["anjou+bosc"] == reason


@dataclass
class Answered:
    """What `without_surplus` looks at."""

    form: str
    answer_class: str


def answered(*answers: str) -> list[Any]:
    return [Answered(*answer.split()) for answer in answers]


def test_what_would_make_a_form_s_answers_one_sided_is_left_out_and_recorded() -> None:
    chosen = answered("both no", "both no", "both yes", "both no", "which 1.", "which 2.", "truth no")
    kept, surplus = without_surplus(chosen, 0.7)
    assert [(c.form, c.answer_class) for c in surplus] == [("both", "no")] and surplus[0] is chosen[3]
    assert kept == [c for c in chosen if c is not chosen[3]]
    assert without_surplus(chosen, 1.0) == (chosen, [])
    alone, rest = without_surplus(answered("both no", "both no", "both no"), 0.7)
    assert len(alone) == 1 and len(rest) == 2


def test_surplus_questions_are_refusals_with_the_key_that_decides(tmp_path: Path) -> None:
    paths = benchmark(tmp_path)
    whole = compose(params(), MOST, paths).comparisons
    summary = compose(params(), 0.1, paths)
    refused = [r for r in read_refusals(paths.refused_topics) if r.reason == "answer-share"]
    assert summary.comparisons + len(refused) == whole and len(refused) > 0
    assert all(r.detail.endswith("(check.max_answer_share)") for r in refused)
