"""What the report says: leaderboards, claims and counts are those of the tables."""

from __future__ import annotations

import pytest

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_json, write_json
from fieldguide.core.paths import Paths
from fieldguide.params import Params, parse_params
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.views.claims import claims
from fieldguide.publishing.report.views.health import health, positives
from fieldguide.publishing.report.views.leaderboards import boards
from fieldguide.records.drawings import DRAWING_REFERENCES, DRAWINGS
from fieldguide.records.images import DUPLICATES, IMAGES, REJECTED
from fieldguide.records.judgments import QRELS
from fieldguide.records.runs import IndexRecall
from fieldguide.retrieval.ranking.section import Retrieve
from fieldguide.retrieval.systems.searching import write_recalls
from tests.builders import ENCODER, judge_whole_gallery, rewrite, tiny_params


@pytest.fixture(scope="module")
def benchmark(paths: Paths, params: Params) -> Benchmark:
    return Benchmark(paths, params)


def test_boards_hold_the_leaderboard_sorted_by_the_headline(benchmark: Benchmark) -> None:
    made = boards(benchmark)
    assert [(b["track"], b["kind"]) for b in made] == [
        ("fullrank", "comparison"), ("fullrank", "entity"), ("rerank", "comparison"), ("rerank", "entity"),
    ]  # fmt: skip
    lines = read_json(benchmark.paths.evaluation / "leaderboard.json")
    for board in made:
        values = [row["headline"]["value"] for row in board["rows"]]
        assert values == sorted(values, reverse=True)
        for row in board["rows"]:
            for measure, mean in zip(board["measures"], row["means"], strict=True):
                line = next(
                    x for x in lines
                    if (x["track"], x["kind"], x["system"], x["measure"])
                    == (board["track"], board["kind"], row["system"], measure)
                )  # fmt: skip
                assert mean is not None
                assert (mean["value"], mean["low"], mean["high"]) == (line["mean"], line["low"], line["high"])


def test_boards_name_the_baseline_and_chance(benchmark: Benchmark) -> None:
    rows = {row["system"]: row for row in boards(benchmark)[0]["rows"]}
    assert {system: row["role"] for system, row in rows.items()} == {
        "text": "baseline",
        "random": "chance",
        "visret": "",
    }
    assert rows["text"]["difference"] is None
    assert rows["visret"]["difference"] is not None
    difference = rows["visret"]["headline"]["value"] - rows["text"]["headline"]["value"]
    assert rows["visret"]["difference"]["value"] == pytest.approx(difference, abs=2e-6)
    assert rows["visret"]["q"] is not None


def test_boards_show_ties_and_every_pair(benchmark: Benchmark) -> None:
    for board in boards(benchmark):
        group = {row["system"]: set(row["group"]) for row in board["rows"]}
        assert "a" in group[board["rows"][0]["system"]]
        assert len(board["pairs"].rows) == 3
        assert f"{board['topics']} topics show a difference in nDCG@10 of " in board["sensitivity"]
        for system, less, _, _, q, *_ in board["pairs"].rows:
            assert (group[system] & group[less] == set()) == (float(q.strip("< ")) <= 0.05)


def test_what_an_index_missed_stands_beside_the_system_that_searched_through_it(fresh: Paths, params: Params) -> None:
    index = {"kind": "ivf", "shortlist": 200}
    through = params.model_copy(update={"retrieve": Retrieve(**params.retrieve.model_dump() | {"index": index})})
    for system in params.retrieve.systems:
        known = [IndexRecall("ivf", 100, 200, 9000, 64, 0.9875)] if system == "visret" else []
        write_recalls(fresh.searched(system), known)
    for board in boards(Benchmark(fresh, through)):
        told = {
            row["system"] for row in board["rows"] if "ivf index: recall@100 0.9875 of exact search" in row["words"]
        }
        assert told == ({"visret"} if board["track"] == "fullrank" else set())
    fresh.searched("visret").unlink()
    with pytest.raises(FieldguideError, match=r"search/visret\.json: no such file"):
        boards(Benchmark(fresh, through))
    fresh.searched("visret").write_text('{"indexes": [], "schema_version": 7}')
    with pytest.raises(FieldguideError, match=r"is of version 7, expected 1; `dvc repro -f retrieve` makes it anew"):
        boards(Benchmark(fresh, through))
    fresh.searched("visret").write_text('{"indexes": [{"kind": "ivf"}], "schema_version": 1}')
    with pytest.raises(FieldguideError, match=r"indexes\.0\.depth: Field required; `dvc repro -f retrieve`"):
        boards(Benchmark(fresh, through))
    assert boards(Benchmark(fresh, params))


def test_systems_are_described_by_their_parameters() -> None:
    systems = tiny_params().systems
    assert systems["random"].description == "random order"
    assert systems["text"].description == "text of the question, encoder tiny"
    assert systems["visret"].description == "2 drawings, rank fusion, c = 1"


def test_claims_count_what_the_data_hold(benchmark: Benchmark) -> None:
    made = boards(benchmark)
    found = {claim.heading: claim.text for claim in claims(benchmark, made)}
    assert "What it was trained on is not recorded here" in found["What the generator knows"]
    assert "All 187 judgments" in found["Judgments are labels, not people's"]
    assert "Not pooled, and perhaps underrated: random." in found["Only pools are judged"]
    assert "17 images; 15 show an entity asked about and 2 do not" in found["A small gallery"]
    assert "Train and gallery touch" not in found
    assert "Drawings that failed" not in found


@pytest.mark.parametrize(
    ("entities", "splits", "heading", "text"),
    [
        (["gala", "satsuma", "kaiser"], ["train"], "The generator has seen these entities", "of the train split"),
        (["lion"], [], "The generator has not seen these entities", "photographs that are not recorded. It knows 0 of"),
        (
            ["satsuma"],
            ["train", "gallery"],
            "The generator has seen these entities",
            "are in the gallery that is searched",
        ),
    ],
)
def test_what_a_generator_was_trained_on_is_what_it_declares(
    fresh: Paths, entities: list[str], splits: list[str], heading: str, text: str
) -> None:
    images = IMAGES.read(fresh.images)
    folder = fresh.root / "generator"
    folder.mkdir(exist_ok=True)
    write_json(folder / "config.json", {"entities": entities})
    shown = images[images["split"].isin(splits)]["image_id"]
    (folder / "photographs.txt").write_text("".join(f"{image}\n" for image in shown))
    found = {claim.heading: claim.text for claim in claims(Benchmark(fresh, tiny_params()), [])}
    assert text in found[heading]
    assert (f"trained on {len(shown)} photographs" in found[heading]) == bool(splits)


def test_a_gallery_that_labels_judge_is_told_with_what_pools_would_have_missed(fresh: Paths) -> None:
    judge_whole_gallery(fresh, pool_without=1)
    benchmark = Benchmark(fresh, tiny_params())
    found = {claim.heading: claim.text for claim in claims(benchmark, [])}
    assert "Only pools are judged" not in found
    assert "Labels judge all 17 gallery images" in found["The whole gallery is judged"]
    assert "11 of 55 relevant images would be missing (20.0%)" in found["The whole gallery is judged"]


def test_drawings_that_failed_are_told_with_the_subtopics_that_have_none(fresh: Paths) -> None:
    drawings = DRAWINGS.read(fresh.drawings).astype(object)
    lost = drawings["prompt"] == "a photo of satsuma"
    drawings.loc[lost, ["status", "reason"]] = ["failed", "too dark"]
    drawings.loc[lost, ["shard", "offset", "size"]] = None
    other = drawings.index[~lost & (drawings["purpose"] == "topic")][0]
    drawings.loc[other, ["status", "reason", "shard", "offset", "size"]] = ["failed", "too dark", None, None, None]
    DRAWINGS.write(fresh.drawings, drawings)
    benchmark = Benchmark(fresh, tiny_params())
    without = sorted(i for i, phrase in benchmark.phrases.items() if phrase.text == "a photo of satsuma")
    text = {claim.heading: claim.text for claim in claims(benchmark, [])}["Drawings that failed"]
    assert text == (
        "3 of 8 drawings failed. They were not replaced; fewer were fused. Without any drawing, and so without a rank "
        f"by drawings, are {len(without)} subtopics: {', '.join(without)}."
    )


def test_photographs_that_the_generator_looked_at_are_told(fresh: Paths) -> None:
    drawings, images = DRAWINGS.read(fresh.drawings), IMAGES.read(fresh.images)
    train = sorted(images.loc[images["split"] == "train", "image_id"])
    rows = [{"drawing_id": drawings["drawing_id"][0], "image_id": image} for image in train[:3]]
    DRAWING_REFERENCES.write(fresh.drawing_references, DRAWING_REFERENCES.frame(rows))
    text = {c.heading: c.text for c in claims(Benchmark(fresh, tiny_params()), [])}[
        "The generator looked at photographs of the entities"
    ]
    assert text.startswith("1 drawings were made after 3 photographs of the train split")


def test_a_system_without_twins_is_told_though_others_have_their_drawings(fresh: Paths) -> None:
    values = tiny_params().model_dump(mode="json", exclude_none=True)
    values["systems"]["paracosm"] = {"kind": "paracosm", "encoder": ENCODER, "images": 2}
    values["retrieve"]["systems"].append("paracosm")
    text = {c.heading: c.text for c in claims(Benchmark(fresh, parse_params(values)), [])}["Systems that were left out"]
    assert text == ("In params.yaml and not run: paracosm looks at the photographs' twins, and caption.twins is false.")


def test_claims_follow_the_data(fresh: Paths) -> None:
    rewrite(DUPLICATES, fresh.duplicates, kind="near", across_splits=True)
    path = fresh.qrels / "qrels.parquet"
    rewrite(QRELS, path, assessors=lambda frame: [["ana", "ben"]] * len(frame))
    params = tiny_params()
    generators = {name: g.model_copy(update={"kind": "diffusers"}) for name, g in params.generators.items()}
    report = params.report.model_copy(update={"remarks": {"Night": "Half of them were taken at night."}})
    other = params.model_copy(update={"generators": generators, "report": report})
    benchmark = Benchmark(fresh, other)
    found = {claim.heading: claim.text for claim in claims(benchmark, boards(benchmark))}
    assert found["Train and gallery touch"].startswith("1 pair of near-duplicates has one image in train")
    assert found["Who judged"] == (
        "187 of 187 grades rest on the judgments of 2 people. "
        "187 rest on one person's word or were a tie, of which the lower grade was taken."
    )
    assert "The generator has seen these entities" not in found
    assert "is not recorded here" in found["What the generator knows"]
    assert "One label a photograph" not in found
    assert found["Night"] == "Half of them were taken at night."


def test_health_counts_are_those_of_the_tables(benchmark: Benchmark) -> None:
    found = health(benchmark)
    assert found["images"].rows[-1] == ("all", "", "", 23, 21, 3)
    assert ("shop", "gallery", "not stated", 15, 15, 3) in found["images"].rows
    assert found["rejected"].rows == (("shop", "empty", 1),)
    assert found["refused_topics"].rows == (("unknown-entity", 1),)
    assert found["refused_groups"].rows == (("score …", 1),)
    assert (found["checks_passed"], found["checks_warned"], found["unjudged_pooled"]) == (1, 1, 0)
    assert found["checks"].rows[0][0] == "warned"


def test_positives_count_every_subtopic_once(benchmark: Benchmark, fresh: Paths, params: Params) -> None:
    assert [(bar.low, bar.high, bar.count) for bar in positives(benchmark)] == [(5, 5, 11)]
    path = fresh.qrels / "qrels.parquet"
    frame = QRELS.read(path)
    first = frame["subtopic_id"].iloc[0]
    QRELS.write(path, frame[frame["subtopic_id"] != first])
    bars = positives(Benchmark(fresh, params), bars=3)
    assert bars[0].low == 0
    assert bars[0].count == 1
    assert sum(bar.count for bar in bars) == 11
    assert len(bars) <= 3


def test_long_lists_are_cut_and_say_so(fresh: Paths, params: Params) -> None:
    rows = [{"source": "shop", "source_key": f"{n:04}", "reason": "empty", "detail": "0 bytes"} for n in range(550)]
    REJECTED.write(fresh.rejected, REJECTED.frame(rows))
    found = health(Benchmark(fresh, params))
    assert (len(found["rejections"].rows), found["rejections"].more) == (500, 50)
    assert found["rejected"].rows == (("shop", "empty", 550),)
