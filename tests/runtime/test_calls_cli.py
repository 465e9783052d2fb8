"""What is said before anything is sent, what was spent, and a release that is rebuilt without a key."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from fieldguide.cli.main import app
from fieldguide.cli.views import doctor
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import read_jsonl, write_jsonl, write_tar
from fieldguide.core.paths import Paths
from fieldguide.models.calls.caller import open_caller
from fieldguide.models.calls.estimate import CallEstimate, hours, verdict
from fieldguide.models.calls.section import ChatEndpoint
from fieldguide.models.calls.store import BLOBS, CALLS, CallStore
from fieldguide.models.generators.registry import load_generator
from fieldguide.params import Params, parse_params
from fieldguide.publishing.release.make import make_release
from fieldguide.publishing.release.verify import verify_release
from fieldguide.queries.rewriting.rewriting import rewrite
from fieldguide.queries.visuals.drawing.drawings import draw_all
from fieldguide.records.drawings import CAPTIONS, DRAWINGS
from fieldguide.records.images import IMAGES
from fieldguide.records.topics import read_phrases, read_topics
from fieldguide.runtime.estimates import estimates
from tests.builders import tiny_benchmark, tiny_params
from tests.finished import finished_benchmark
from tests.models.endpoint import Endpoint, completion, endpoint, images

NAMES = ("Granny Smith apple", "Red Delicious apple", "satsuma")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "k")


def act(_: int, body: Any) -> tuple[int, Any]:
    """A phrase with the entity's name, or a drawing."""
    if "messages" in body:
        asked = json.loads(body["messages"][1]["content"])
        return 200, completion(f"a photo of {asked['entity']}", usage=(100, 10))
    return 200, images(noise(), usage=(10, 20))


def noise() -> bytes:
    """A drawing; one of one colour would be taken for a withheld one."""
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def asking(base_url: str, root: Path, budget: float = 1.0) -> Params:
    """Rewriting and drawing by the endpoint; params.yaml is written."""
    spec = {"base_url": base_url, "model": "tiny", "api_key_variable": "TEST_KEY", "retries": 0}
    drawer = {**spec, "model": "tiny-draw", "kind": "openai-images", "size": "16x16", "image_tokens": 100}
    params = tiny_params(rewrite={"rewriter": "chat", "chat": spec})
    values = params.model_dump(mode="json", exclude_none=True)
    values["generators"]["paid"] = drawer
    values["visualize"]["generator"] = "paid"
    values["calls"] = {
        "budget": budget,
        "prices": {"tiny": {"input": 10, "output": 20}, "tiny-draw": {"image": 0.01}},
    }
    root.mkdir(parents=True, exist_ok=True)
    (root / "params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    return parse_params(values)


def rows(params: Params, paths: Paths) -> dict[str, CallEstimate]:
    return {row.stage: row for row in estimates(params, paths, open_caller(paths.root))}


def ask_everything(params: Params, paths: Paths) -> None:
    rewrite(params.rewrite, paths)
    name = params.visualize.generator
    generator = load_generator(name, params.generators[name], paths.root)
    draw_all(read_phrases(paths.phrases), params.visualize, generator, paths)


def test_an_estimate_counts_what_is_then_sent_and_sends_nothing(tmp_path: Path) -> None:
    with endpoint(act) as server:
        params, paths = asking(server.base_url, tmp_path), tiny_benchmark(tmp_path)
        before = rows(params, paths)
        assert server.requests == []
        ask_everything(params, paths)
    sent = [path for path in server.paths if path.endswith("chat/completions")]
    assert before["rewrite"].calls == len(sent) > 0
    assert before["visualize"].calls == len(server.paths) - len(sent) > 0
    assert before["visualize"].images == before["visualize"].calls
    spent = sum(call.cost for call in open_caller(tmp_path).store.calls())
    most = sum(row.most or 0 for row in before.values())
    assert 0 < spent < most
    assert open_caller(tmp_path).budget.spent() == pytest.approx(spent)
    after = rows(params, paths)
    assert {stage: (row.calls, row.stored) for stage, row in after.items()} == {
        stage: (0, row.calls) for stage, row in before.items()
    }
    assert after["rewrite"].money == after["rewrite"].most == after["rewrite"].hours == 0


def test_what_calls_took_before_is_what_more_of_them_will_take(tmp_path: Path) -> None:
    with endpoint(act) as server:
        params, paths = asking(server.base_url, tmp_path), tiny_benchmark(tmp_path)
        assert "assumed" in rows(params, paths)["rewrite"].note
        first = rows(params, paths)["rewrite"]
        rewrite(params.rewrite, paths)
    other = params.rewrite.chat.model_copy(update={"seed": 9}) if params.rewrite.chat else None
    changed = params.model_copy(update={"rewrite": params.rewrite.model_copy(update={"chat": other})})
    again = rows(changed, paths)["rewrite"]
    assert again.calls == first.calls
    assert again.output_tokens == 10 * again.calls
    assert "assumed" not in again.note


def test_before_anything_is_there_the_most_is_told(tmp_path: Path) -> None:
    params = asking("http://127.0.0.1:9/v1", tmp_path)
    found = rows(params, Paths(tmp_path))
    assert found["rewrite"].calls == params.compose.max_topics * params.mine.max_entities
    assert "at most: topics are not composed yet" in found["rewrite"].note
    assert found["visualize"].calls > found["rewrite"].calls


def test_captions_recomposing_and_re_ranking_are_counted_too(tmp_path: Path) -> None:
    params = asking("http://127.0.0.1:9/v1", tmp_path)
    values = params.model_dump(mode="json", exclude_none=True)
    chat = values["rewrite"]["chat"]
    values["recompose"] = {"recomposer": "chat", "chat": chat}
    values["captioners"] = {"seen": {"kind": "chat", "chat": chat}}
    values["caption"] = {"captioner": "seen"}
    values["systems"]["looked"] = {"kind": "rerank-vlm", "base": values["systems"]["text"], "chat": chat, "top": 3}
    values["retrieve"]["systems"].append("looked")
    values["answerers"]["seen"] = {"kind": "chat", "chat": chat}
    values["answer"] |= {"answerers": ["seen", "prior"], "judge": {"chats": [chat]}}
    paths = tiny_benchmark(tmp_path)
    found = rows(parse_params(values), paths)
    gallery = int((IMAGES.read(paths.images)["split"] == "gallery").sum())
    drawings = int((DRAWINGS.read(paths.drawings)["purpose"] == "topic").sum())
    subtopics = sum(len(topic.subtopics) for topic in read_topics(paths.topics))
    assert found["caption"].calls == gallery + drawings
    assert found["recompose"].calls == subtopics * params.visualize.images
    assert found["retrieve, rerank: looked"].calls == 2 * 3 * subtopics
    contexts = 3 + 2 * 2 * 2  # chosen ones, and two systems with two depths on two tracks
    assert found["answer: seen"].calls == contexts * len(read_topics(paths.topics))
    unjudged = {**values, "answer": {k: v for k, v in values["answer"].items() if k != "judge"}}
    closed = [topic for topic in read_topics(paths.topics) if topic.kind == "comparison"]  # others need a judge
    assert rows(parse_params(unjudged), paths)["answer: seen"].calls == contexts * len(closed)
    assert found["answer: judge"].calls == 2 * contexts * len(read_topics(paths.topics))
    looked = values["systems"]["looked"]
    values["systems"]["looked"] = {**looked, "score": "probability"}
    asked = found["retrieve, rerank: looked"].calls
    assert rows(parse_params(values), paths)["retrieve, rerank: looked"].output_tokens == asked  # one a call
    assert [finding.name for finding in doctor._calls(parse_params(values))] == [
        "rewrite.chat", "generators.paid", "captioners.seen.chat", "recompose.chat", "systems.looked.chat",
        "answer.judge.chats.0", "answerers.seen.chat",
    ]  # fmt: skip


def test_rounds_are_counted_at_most(tmp_path: Path) -> None:
    values = asking("http://127.0.0.1:9/v1", tmp_path).model_dump(mode="json", exclude_none=True)
    visret = {"kind": "visret", "encoder": "tiny", "images": 2}
    genir = {"kind": "genir", "visret": visret, "chat": values["rewrite"]["chat"], "refined": "genir", "rounds": 3}
    values["systems"] |= {"genir": genir, "genir-1": {**genir, "rounds": 1}}
    values["refine"] = {"systems": ["genir"]}
    params = parse_params(values)
    most = params.compose.max_topics * params.mine.max_entities
    assert rows(params, Paths(tmp_path))["refine: genir"].calls == 3 * most
    paths = tiny_benchmark(tmp_path)
    subtopics = sum(len(topic.subtopics) for topic in read_topics(paths.topics))
    found = rows(params, paths)
    assert (found["refine: genir"].calls, found["refine: genir: drawings"].images) == (3 * subtopics, 6 * subtopics)
    assert [name for name in found if "genir-1" in name] == []


def test_twins_are_counted_where_they_are_to_be_drawn(tmp_path: Path) -> None:
    values = asking("http://127.0.0.1:9/v1", tmp_path).model_dump(mode="json", exclude_none=True)
    values["captioners"] = {"seen": {"kind": "chat", "chat": values["rewrite"]["chat"]}}
    values["caption"] = {"captioner": "seen", "twins": True}
    params = parse_params(values)
    assert "not known" in rows(params, Paths(tmp_path))["caption: twins"].note
    paths = tiny_benchmark(tmp_path)
    images = IMAGES.read(paths.images)
    gallery = list(images.loc[images["split"] == "gallery", "image_id"])
    assert rows(params, paths)["caption: twins"].images == len(gallery)
    row = {"kind": "image", "text": "a pear", "captioner": "seen", "revision": "r1", "status": "ok", "reason": None}
    CAPTIONS.write(paths.captions, CAPTIONS.frame([row | {"key": key} for key in gallery]))
    assert rows(params, paths)["caption: twins"].images == 1
    values["caption"]["twins"] = False
    assert "caption: twins" not in rows(parse_params(values), paths)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"concurrency": 4}, 100 * 2 / 4),
        ({"concurrency": 1}, 200),
        ({"concurrency": 50, "requests_per_minute": 60}, 100),
        ({"concurrency": 50, "tokens_per_minute": 600}, 1000),
    ],
)
def test_hours_are_those_of_the_tightest_limit(limits: dict[str, int], expected: float) -> None:
    spec = ChatEndpoint.model_validate({"base_url": "http://127.0.0.1/v1", "model": "tiny", **limits})
    assert hours(spec, 100, 10_000, 2.0) * 3600 == pytest.approx(expected)


@pytest.mark.parametrize(
    ("money", "most", "says"),
    [
        (0.5, 0.9, "enough"),
        (0.5, 1.5, "probably enough"),
        (1.5, 2.0, "not enough, the build will stop before it is exceeded"),
        (None, None, "not known whether that will do, since a price is missing; nothing without one is sent"),
    ],
)
def test_whether_the_budget_will_do(money: float | None, most: float | None, says: str) -> None:
    assert verdict([CallEstimate("s", "m", calls=1, money=money, most=most)], 1.0, 2.0).endswith(f": {says}")


def test_the_commands_print_estimates_and_sums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with endpoint(act) as server:
        params, paths = asking(server.base_url, tmp_path), tiny_benchmark(tmp_path)
        shown = json.loads(CliRunner().invoke(app, ["build", "--estimate", "--json"]).stdout)
        assert [row["stage"] for row in shown["stages"]] == ["rewrite", "visualize"]
        assert (shown["spent"], shown["budget"]) == (0, 1.0)
        assert "of calls.budget 1.0000: enough" in CliRunner().invoke(app, ["build", "--estimate"]).stdout
        assert server.requests == []
        ask_everything(params, paths)
    (chat, drawn) = json.loads(CliRunner().invoke(app, ["calls", "list", "--json"]).stdout)
    assert (chat["kind"], chat["tokens_in"], chat["tokens_out"]) == ("chat", 100 * chat["calls"], 10 * chat["calls"])
    assert (drawn["kind"], drawn["images"]) == ("images", drawn["calls"])
    assert "spent or set aside: 0." in CliRunner().invoke(app, ["calls", "list"]).stdout
    wrong = CliRunner().invoke(app, ["build", "--json"])
    assert "it goes with --estimate alone" in wrong.output


def test_without_calls_nothing_has_to_be_paid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(tiny_params().model_dump(mode="json", exclude_none=True)))
    assert "no stage of params.yaml makes calls" in CliRunner().invoke(app, ["build", "--estimate"]).stdout


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Params, Paths, Endpoint]:
    """A released benchmark whose phrases and drawings came from an endpoint that is gone; not to be changed."""
    root = tmp_path_factory.mktemp("asked")
    with pytest.MonkeyPatch.context() as patch, endpoint(act) as server:
        patch.setenv("TEST_KEY", "k")
        params = asking(server.base_url, root)
        paths = finished_benchmark(root)
        ask_everything(params, paths)
    make_release(tiny_params(), paths)
    return params, paths, server


def test_a_release_ships_its_calls_and_others_rebuild_without_key_and_endpoint(
    asked: tuple[Params, Paths, Endpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params, paths, server = asked
    monkeypatch.delenv("TEST_KEY")
    verify_release(paths.release)
    assert len(list(read_jsonl(paths.release / "calls" / CALLS))) == len(server.requests)
    other = tiny_benchmark(tmp_path)
    shutil.copy(paths.root / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    taken = CliRunner().invoke(app, ["calls", "add", str(paths.release)])
    assert f"{len(server.requests)} of {len(server.requests)} calls taken over" in taken.stdout
    ask_everything(params, other)
    assert other.phrases.read_bytes() == paths.phrases.read_bytes()
    assert other.drawings.read_bytes() == paths.drawings.read_bytes()
    assert (other.drawings.parent / "drawings.tar").read_bytes() == (
        paths.drawings.parent / "drawings.tar"
    ).read_bytes()
    assert open_caller(tmp_path).budget.spent() == 0  # others' money
    again = CliRunner().invoke(app, ["calls", "add", str(paths.release / "calls")])
    assert f"0 of {len(server.requests)} calls taken over; {len(server.requests)} were here already" in again.stdout


def test_packing_gives_the_same_bytes_and_no_key(asked: tuple[Params, Paths, Endpoint], tmp_path: Path) -> None:
    _, paths, _ = asked
    CallStore.at(paths.root).pack(tmp_path)
    for name in (CALLS, BLOBS):
        assert (tmp_path / name).read_bytes() == (paths.release / "calls" / name).read_bytes()


def damage(folder: Path, how: str) -> None:
    rows = [row for _, row in read_jsonl(folder / CALLS)]
    if how == "no call":
        write_jsonl(folder / CALLS, [*rows, {"kind": "chat"}])
    elif how == "version":
        write_jsonl(folder / CALLS, [{**rows[0], "version": 2}, *rows[1:]])
    elif how == "no files":
        (folder / BLOBS).unlink()
    elif how == "no tar":
        (folder / BLOBS).write_bytes(b"not a tar" * 100)
    else:
        digest = next(blob for row in rows for blob in row["blobs"])
        write_tar(folder / BLOBS, [(digest, b"other bytes"), ("../../outside", b"x")])


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("no call", "is no call: base_url: Field required"),
        ("version", "is of version 2; expected 1"),
        ("no files", "which a call names"),
        ("no tar", "is not a readable tar"),
        ("bytes", "with other bytes than its sha256"),
    ],
)
def test_a_damaged_store_is_told_and_nothing_of_it_is_taken_over(
    asked: tuple[Params, Paths, Endpoint], tmp_path: Path, how: str, says: str
) -> None:
    _, paths, _ = asked
    release = Path(shutil.copytree(paths.release, tmp_path / "release"))
    damage(release / "calls", how)
    with pytest.raises(ProblemsError, match=says):
        CallStore.at(tmp_path / "other").unpack(release / "calls")
    assert not (tmp_path / "other").exists()
    with pytest.raises(ProblemsError) as caught:
        verify_release(release)
    assert any(says in str(problem) for problem in caught.value.problems)


def test_a_file_that_was_damaged_in_the_store_is_told(asked: tuple[Params, Paths, Endpoint], tmp_path: Path) -> None:
    _, paths, _ = asked
    store = CallStore(Path(shutil.copytree(paths.calls, tmp_path / "calls")), tmp_path / "locks")
    digest = next(blob for call in store.calls() for blob in call.blobs)
    (store.folder / "blobs" / digest[:2] / digest).write_bytes(b"x")
    with pytest.raises(FieldguideError, match="missing or damaged; delete the call that names it"):
        store.blob(digest)
