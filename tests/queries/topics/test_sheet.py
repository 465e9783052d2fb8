"""Features of many shapes, as a curator writes them, and every question about them as it reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from fieldguide.queries.knowledge.features import feature_problems
from fieldguide.queries.knowledge.records import Attribute, Entity, Feature, Knowledge
from fieldguide.queries.topics.questions import CandidateQuestion
from fieldguide.queries.topics.sheet import examples, sheet
from tests.queries.topics.builders import FORMS

HERE = Path(__file__).parent


def knowledge(name: str, written: dict[str, Any]) -> Knowledge:
    entities, rows = {}, []
    for entity, given in written["entities"].items():
        own = dict(given) if isinstance(given, dict) else {"value": given}
        entity_id, value = entity.lower().replace(" ", "-"), own.pop("value")
        entities[entity_id] = Entity(entity_id=entity_id, name=entity, taxonomy=["thing", "kind", entity], **own)
        rows.append(
            Attribute(entity_id=entity_id, feature=name, part=written["part"], value=str(value), evidence="seen")
        )
    feature = Feature.model_validate({key: value for key, value in written.items() if key != "entities"})
    return Knowledge(entities, rows, {name: feature})


def read(name: str, written: dict[str, Any]) -> Iterator[str]:
    """Each question that asks something else once, and what is not asked."""
    known = knowledge(name, written)
    assert not list(feature_problems("features.yaml", known.features, [("", row) for row in known.attributes]))
    found, refused = sheet(known, FORMS, 2)
    yield name
    seen = set()
    for item in found:
        if (item.form, item.asked, len(item.entities)) not in seen:
            seen.add((item.form, item.asked, len(item.entities)))
            yield f"  {item.text} [{item.answer}]"
    yield from (f"  - {refusal.what}: {refusal.reason}" for refusal in refused)


def test_features_of_many_shapes_read_well() -> None:
    """questions.txt was read by people, line by line: whoever changes it reads what changed."""
    features = yaml.safe_load((HERE / "features.yaml").read_text(encoding="utf-8"))
    assert len(features) >= 30
    lines = [line for name, written in features.items() for line in read(name, written)]
    assert lines == (HERE / "questions.txt").read_text(encoding="utf-8").splitlines()


def test_the_sheet_shows_every_feature_before_a_second_of_any() -> None:
    features = yaml.safe_load((HERE / "features.yaml").read_text(encoding="utf-8"))
    found: list[CandidateQuestion] = []
    for name in ("bill shape", "material", "mane"):
        found += sheet(knowledge(name, features[name]), FORMS, 2)[0]
    shown = examples(found, 4)
    assert set(shown) == set(FORMS)
    for form, chosen in shown.items():
        assert len(chosen) == 4
        assert {c.subject.feature for c in chosen} == {"bill shape", "material", "mane"}, form


def test_a_name_that_holds_a_word_of_the_predicate_gives_the_answer_away() -> None:
    said = {"present": "has a mane", "absent": "has no mane"}
    written = {"part": "head", "said": said, "entities": {"maned wolf": "present", "red fox": "absent"}}
    found, refused = sheet(knowledge("mane", written), FORMS, 2)
    assert not found
    assert [refusal.reason for refusal in refused] == ["gives-away-answer"]


def test_measures_that_are_too_close_or_three_are_not_compared() -> None:
    compare = {"more": "longer", "less": "shorter", "margin": 0.2}
    close = {"part": "bill", "compare": compare, "entities": {"godwit": "100 mm", "curlew": "110 mm"}}
    found, refused = sheet(knowledge("bill length", close), FORMS, 2)
    assert not found
    assert refused[0].detail == "curlew 110 mm and godwit 100 mm differ by less than the margin of 20%"
    three = {**close, "entities": {"godwit": 100, "curlew": 150, "snipe": 60}}
    found, refused = sheet(knowledge("bill length", three), FORMS, 2)
    assert {len(item.entities) for item in found} == {2}
    assert "measures are compared in pairs, and there are 3 entities" in {refusal.detail for refusal in refused}
