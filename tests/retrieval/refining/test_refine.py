"""Drawing in rounds, against the same rounds gone through by hand, with a model behind a local endpoint."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import content_key, sha256_file
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.items import drawing_items, image_items
from fieldguide.corpus.store.pixels import open_image
from fieldguide.corpus.store.shards import image_bytes
from fieldguide.models.calls.caller import open_caller
from fieldguide.models.calls.chat import Chat, Reply
from fieldguide.models.loading.protocols import Modality, Refused, Vectors
from fieldguide.params import Params, parse_params
from fieldguide.params.document import left_out, without_left_out
from fieldguide.queries.visuals.drawing.drawings import draw_all
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.images import IMAGES
from fieldguide.records.topics import ROUNDS, read_phrases
from fieldguide.retrieval.encoding.encode import encode
from fieldguide.retrieval.ranking.kept import SearchTrack, rank_system
from fieldguide.retrieval.ranking.section import Retrieve
from fieldguide.retrieval.refining.refine import RoundSummary, refine
from fieldguide.retrieval.refining.wording import SYSTEM, worded
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.rounds import RoundPaths
from fieldguide.retrieval.systems.run import run_system
from fieldguide.retrieval.systems.sections.rounds import GenirSystem
from fieldguide.retrieval.systems.sections.systems import System
from flows.refine import refine as refine_flow
from tests.builders import ENCODER, ENTITIES, tiny_benchmark, tiny_params
from tests.models.endpoint import KEY, REFUSED, Answer, completion, endpoint
from tests.steps import run_step

COLOURS = {"red": (200, 30, 40), "green": (40, 190, 50), "blue": (30, 60, 210), "white": (240, 240, 235)}
NAMES = {name: entity for entity, (name, *_) in ENTITIES.items()}


class Palette:
    """Draws the colour that a prompt names, with one pixel by the seed; what is impossible it refuses."""

    name, revision = "palette", "r1"
    settings: Mapping[str, int] = {}

    def __init__(self) -> None:
        self.drawn: list[str] = []

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | Refused]:
        self.drawn += prompts
        return [self._draw(prompt, seed) for prompt, seed in zip(prompts, seeds, strict=True)]

    def _draw(self, prompt: str, seed: int) -> Image.Image | Refused:
        if "impossible" in prompt:
            return Refused("cannot be drawn")
        colour = next((value for word, value in COLOURS.items() if word in prompt.split()), (128, 128, 128))
        image = Image.new("RGB", (8, 8), colour)
        image.putpixel((0, 0), (seed % 256, (seed >> 8) % 256, (seed >> 16) % 256))
        return image


class MeanColour:
    """An image as its mean colour, of unit length."""

    name, dimension, revision = ENCODER, 8, "r1"
    modalities: frozenset[Modality] = frozenset({"image"})

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        found = np.zeros((len(images), self.dimension), dtype=np.float32)
        found[:, :3] = [np.asarray(image.convert("RGB"), dtype=np.float64).mean(axis=(0, 1)) - 100 for image in images]
        return found / np.linalg.norm(found, axis=1, keepdims=True)  # type: ignore[no-any-return]

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        raise FieldguideError("encodes no texts")


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("TEST_CHAT_KEY", KEY)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    made = tiny_benchmark(tmp_path)
    items = image_items(IMAGES.read(made.images), made)
    encode(items, MeanColour(), made.embeddings(ENCODER), made.cache / "embeddings", dtype="float32", batch=8)
    return made


def section(base_url: str = "http://localhost/v1", **values: Any) -> GenirSystem:
    chat = {"base_url": base_url, "model": "tiny", "api_key_variable": "TEST_CHAT_KEY", "retries": 0}
    visret = {"kind": "visret", "encoder": ENCODER, "images": 1, "fusion": "mean", **values.pop("visret", {})}
    made = {"kind": "genir", "visret": visret, "chat": chat, "refined": "genir", "rounds": 3, "shown": 2, **values}
    return TypeAdapter(System).validate_python(made)  # type: ignore[no-any-return]


def go(paths: Paths, spec: GenirSystem, palette: Palette | None = None) -> list[RoundSummary]:
    """The rounds, with real drawing and encoding."""
    values, drawer = tiny_params().visualize.model_copy(update={"images": spec.visret.images}), palette or Palette()

    def illustrate(phrases: Any, world: RoundPaths) -> None:
        draw_all(phrases, values, drawer, world)
        items, folder = drawing_items(DRAWINGS.read(world.drawings), world), world.queries(ENCODER)
        encode(items, MeanColour(), folder, paths.cache / "embeddings", dtype="float32", batch=8)

    return refine("genir", spec, Chat(spec.chat, open_caller(paths.root)), illustrate, paths)


Model = Callable[[Any], str]
"""A model: from the parts that a message holds to what it replies."""


def chosen(parts: list[Any]) -> str:
    """A model whose words hang on all that it is shown, and which in the end leaves a description as it is."""
    said = json.loads(parts[0])["description"]
    names = [name for name in NAMES if name in said]
    pick = int(content_key(parts=[str(part) for part in parts])[:8], 16) % (len(COLOURS) + 1)
    return said if pick == len(COLOURS) else f"a photo of {names[0]}, {list(COLOURS)[pick]} all over"


def parts_of(body: Any) -> list[Any]:
    """Texts, and the bytes of images."""
    return [
        part["text"]
        if part["type"] == "text"
        else base64.b64decode(part["image_url"]["url"].removeprefix("data:image/png;base64,"))
        for part in body["messages"][1]["content"]
    ]


def pixels(data: bytes) -> bytes:
    return Image.open(io.BytesIO(data)).convert("RGB").tobytes()


class ByHand:
    """The rounds gone through again in plain steps, from the photographs' and the drawings' pixels."""

    def __init__(self, paths: Paths, model: Model) -> None:
        self.paths, self.model, self.palette, self.encoder = paths, model, Palette(), MeanColour()
        table = IMAGES.read(paths.images)
        rows = table[table["split"] == "gallery"].sort_values("image_id").itertuples()
        self.photographs = {row.image_id: open_image(image_bytes(paths, row)) for row in rows}
        self.seeds = {
            (row.prompt, row.index): row.seed
            for row in DRAWINGS.read(RoundPaths(paths.root, "genir").drawings).itertuples()
        }

    def drawings(self, phrase: str, images: int) -> list[Image.Image]:
        made = [self.palette._draw(phrase, self.seeds[phrase, n]) for n in range(images)]
        return [image for image in made if isinstance(image, Image.Image)]

    def ranking(self, phrase: str, images: int = 1) -> list[str]:
        """Photographs by their mean similarity with the phrase's drawings; equal ones by id."""
        drawn = self.encoder.encode_images(self.drawings(phrase, images)).astype(np.float64)
        vectors = self.encoder.encode_images(list(self.photographs.values())).astype(np.float64)
        scores = np.round((vectors @ drawn.T).mean(axis=1), 5)
        return [image for _, image in sorted(zip(-scores, self.photographs, strict=True))]

    def shown(self, question: str, phrase: str, count: int, images: int = 1) -> list[Any]:
        found = [self.photographs[image] for image in self.ranking(phrase, images)[:count]]
        text = json.dumps({"question": question, "description": phrase})
        return [text, "Drawings:", *self.drawings(phrase, images), "Photographs that they found:", *found]

    def rounds(self, question: str, phrase: str, rounds: int, shown: int, images: int = 1) -> list[str]:
        """The phrase in each round, from 0."""
        said = [phrase]
        for _ in range(rounds):
            new = self.model([as_pixels(part) for part in self.shown(question, said[-1], shown, images)])
            said += [new] * (rounds + 1 - len(said) if new == said[-1] else 1)
            if len(said) > rounds:
                break
        return said


def as_pixels(part: Any) -> Any:
    """An image as its pixels: a test that writes PNG files again would hang on how they are packed."""
    if isinstance(part, Image.Image):
        return part.convert("RGB").tobytes()
    return pixels(part) if isinstance(part, bytes) else part


def answering(model: Model) -> Callable[[int, Any], Answer]:
    return lambda _, body: Answer(completion(model([as_pixels(part) for part in parts_of(body)])))


@pytest.mark.parametrize(("images", "shown"), [(1, 2), (2, 3)])
def test_the_rounds_are_those_that_are_gone_through_by_hand(paths: Paths, images: int, shown: int) -> None:
    with endpoint(answering(chosen)) as server:
        spec = section(server.base_url, shown=shown, visret={"images": images})
        summaries = go(paths, spec)
    by_hand, collection = ByHand(paths, chosen), SearchCollection(paths)
    rounds = [
        {p.subtopic_id: p.text for p in read_phrases(RoundPaths(paths.root, "genir", n).phrases)} for n in range(4)
    ]
    lengths = set()
    for subtopic in collection.subtopics:
        key = subtopic.subtopic_id
        said = by_hand.rounds(subtopic.topic.text, collection.phrases[key], spec.rounds, shown, images)
        assert [phrases[key] for phrases in rounds] == said
        lengths.add(len(set(said)))
    assert len(lengths) > 1  # some phrases change oftener than others, or the test shows little
    assert summaries[0].asked == len(collection.subtopics)
    assert all(s.asked == s.reworded + s.kept + s.failed for s in summaries)
    for number in range(1, 4):
        ranked: dict[str, list[str]] = {}
        for line in run_system("genir", spec.model_copy(update={"rounds": number}), collection):
            ranked.setdefault(line.subtopic_id, []).append(line.image_id)
        assert ranked == {key: by_hand.ranking(phrase, images) for key, phrase in rounds[number].items()}


def test_the_model_is_told_and_shown_what_the_documentation_says(paths: Paths) -> None:
    with endpoint(answering(chosen)) as server:
        go(paths, section(server.base_url))
    by_hand, collection = ByHand(paths, chosen), SearchCollection(paths)
    first = {
        str([as_pixels(part) for part in by_hand.shown(s.topic.text, collection.phrases[s.subtopic_id], 2)])
        for s in collection.subtopics
    }
    asked = [str([as_pixels(part) for part in parts_of(body)]) for body in server.requests]
    assert first <= set(asked)
    assert len(asked) == len(set(asked))  # subtopics that ask the same are one call
    assert {body["messages"][0]["content"] for body in server.requests} == {SYSTEM}


def test_without_photographs_the_model_sees_the_drawings_alone(paths: Paths) -> None:
    with endpoint(answering(chosen)) as server:
        go(paths, section(server.base_url, shown=0))
    assert {len(parts_of(body)) for body in server.requests} == {3}
    assert all(not shown for shown in ROUNDS.read(RoundPaths(paths.root, "genir").rounds)["shown"])


def test_a_phrase_that_is_left_as_it_is_is_asked_about_no_more(paths: Paths) -> None:
    palette = Palette()
    with endpoint(answering(lambda parts: f' "{json.loads(parts[0])["description"]}"\n')) as server:
        first, *others = go(paths, section(server.base_url), palette)
    assert (first.reworded, first.kept) == (0, len(SearchCollection(paths).subtopics))
    assert [other.asked for other in others] == [0, 0]
    assert sorted(set(palette.drawn)) == sorted(palette.drawn)  # once each: nothing was drawn for the later rounds
    collection = SearchCollection(paths)
    visret = TypeAdapter(System).validate_python(section().visret.model_dump())
    world = RoundPaths(paths.root, "genir", 3)
    assert list(run_system("x", section(), collection)) == list(run_system("x", visret, SearchCollection(world)))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [(REFUSED, ""), (Answer(completion("a red apple")), "does not name"),
     (Answer(completion("x" * 301)), "1 to 300 printable"), (Answer(completion("\u200b")), "1 to 300 printable")],
)  # fmt: skip
def test_what_cannot_be_used_leaves_the_phrase_and_is_recorded(paths: Paths, reply: Answer, reason: str) -> None:
    with endpoint(lambda _, __: reply) as server:
        first, *others = go(paths, section(server.base_url))
    rows = ROUNDS.read(RoundPaths(paths.root, "genir").rounds)
    assert first.failed == len(rows) > 0 and {other.asked for other in others} == {0}
    assert set(rows["status"]) == {"failed"} and (rows["text"] == rows["phrase"]).all()
    assert all(why and reason in why for why in rows["reason"])
    assert read_phrases(RoundPaths(paths.root, "genir", 3).phrases) == sorted(
        read_phrases(paths.phrases), key=lambda phrase: phrase.subtopic_id
    )


def test_a_wording_that_cannot_be_drawn_is_taken_back(paths: Paths) -> None:
    def model(parts: list[Any]) -> str:
        said = json.loads(parts[0])["description"]
        return said if "satsuma" in said else f"{said}, impossible"

    with endpoint(answering(model)) as server:
        go(paths, section(server.base_url))
    rows = ROUNDS.read(RoundPaths(paths.root, "genir").rounds)
    assert set(rows["status"]) == {"kept", "failed"}
    failed = rows[rows["status"] == "failed"]
    assert all("nothing could be drawn of" in why and "cannot be drawn" in why for why in failed["reason"])
    assert not any("impossible" in p.text for p in read_phrases(RoundPaths(paths.root, "genir", 3).phrases))
    assert len({line.subtopic_id for line in run_system("x", section(), SearchCollection(paths))}) == len(
        set(rows["subtopic_id"])
    )


def test_a_second_run_asks_and_draws_nothing_and_writes_the_same_bytes(paths: Paths) -> None:
    with endpoint(answering(chosen)) as server:
        go(paths, section(server.base_url))
        asked, folder = len(server.requests), paths.data / "refined"
        files = {path: sha256_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}
        palette = Palette()
        go(paths, section(server.base_url), palette)
    assert len(server.requests) == asked and palette.drawn == []
    assert {path: sha256_file(path) for path in sorted(folder.rglob("*")) if path.is_file()} == files


def test_a_run_that_was_ended_asks_nothing_twice(paths: Paths) -> None:
    """The endpoint breaks after the first round; the next run goes on from there."""
    broken = True
    with endpoint(lambda n, body: Answer(b"", 500) if broken and n >= 9 else answering(chosen)(n, body)) as server:
        spec = section(server.base_url)
        with pytest.raises(FieldguideError, match="HTTP 500"):
            go(paths, spec)
        answered = {json.dumps(body) for body in server.requests[:9]}
        broken, before = False, len(server.requests)
        go(paths, spec)
        again = {json.dumps(body) for body in server.requests[before:]}
    assert not answered & again


def test_a_run_is_kept_until_its_rounds_change(paths: Paths) -> None:
    with endpoint(answering(chosen)) as server:
        spec = section(server.base_url)
        go(paths, spec)
        track = SearchTrack("fullrank", Retrieve(systems=["genir"], depth=10))
        assert not rank_system("genir", spec, SearchCollection(paths), track).kept
        assert rank_system("genir", spec, SearchCollection(paths), track).kept
        last = RoundPaths(paths.root, "genir", 3).phrases
        last.write_text(last.read_text().replace("chat:tiny", "chat:other"))
        assert not rank_system("genir", spec, SearchCollection(paths), track).kept


def test_rounds_that_were_not_made_are_named(paths: Paths) -> None:
    with pytest.raises(FieldguideError, match="dvc repro refine@genir"):
        list(run_system("x", section(), SearchCollection(paths)))


def test_means_of_a_round_are_those_of_its_own_drawings(paths: Paths) -> None:
    """A round ranks as VisRet would by its phrases, whatever was drawn in the others."""
    with endpoint(answering(chosen)) as server:
        spec = section(server.base_url, visret={"centre": "topics"})
        go(paths, spec)
    for number in (1, 2, 3):
        world, alone = RoundPaths(paths.root, "genir", number), RoundPaths(paths.root, f"alone{number}", 0)
        values = tiny_params().visualize.model_copy(update={"images": 1})
        alone.phrases.parent.mkdir(parents=True)
        alone.phrases.write_bytes(world.phrases.read_bytes())
        draw_all(read_phrases(world.phrases), values, Palette(), alone)
        items = drawing_items(DRAWINGS.read(alone.drawings), alone)
        encode(items, MeanColour(), alone.queries(ENCODER), paths.cache / "e", dtype="float32", batch=8)
        theirs = run_system("x", TypeAdapter(System).validate_python(spec.visret.model_dump()), SearchCollection(alone))
        ours = run_system("x", spec.model_copy(update={"rounds": number}), SearchCollection(paths))
        assert list(ours) == list(theirs)


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [("a photo of a Granny Smith apple, green", "a photo of a Granny Smith apple, green"),
     ("a photo of Granny Smith apples", "a photo of Granny Smith apples"),
     ("<think>hm</think> **a photo of a Granny Smith apple**", "a photo of a Granny Smith apple"),
     ("<think>a photo of a Granny Smith apple", "no description alone"),
     ("```\na photo of a Granny Smith apple\n```", "no description alone"),
     ('{"description": "a Granny Smith apple"}', "no description alone"),
     ("Here is it: a photo of a Granny Smith apple", "no description alone"),
     ("I cannot help with a Granny Smith apple.", "no description alone"),
     ("Sure!\na photo of a Granny Smith apple", "no description alone"),
     ("a photo of a granny", "does not name 'Granny Smith apple': 'a photo of a granny'"),
     ("ice cream with a Granny Smith apple", "ice cream with a Granny Smith apple")],
)  # fmt: skip
def test_a_reply_is_a_description_alone(reply: str, wanted: str) -> None:
    found = worded(Reply(reply, "tiny", None, None), "Granny Smith apple")
    assert (wanted in found.reason) if isinstance(found, Refused) else found == wanted


def test_a_step_says_which_systems_it_can_refine(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    params = params_with({"genir": section()}, None)
    for wrong in ("visret", "nobody"):
        with pytest.raises(
            FieldguideError, match=rf"'{wrong}' is no system of kind genir; refine.systems: \['genir'\]"
        ):
            run_step(refine_flow, params, paths, wrong)
    silent = params.model_copy(update={"visualize": params.visualize.model_copy(update={"generator": None})})
    run_step(refine_flow, without_left_out(silent), paths, "genir")
    assert "genir: looks at drawings, and nothing was drawn" in capsys.readouterr().out
    assert list((paths.data / "refined" / "genir").iterdir()) == []


def params_with(systems: dict[str, Any], refined: list[str] | None) -> Params:
    """Parameters with systems of kind genir beside the usual ones; None: section `refine` is left out."""
    values = tiny_params().model_dump(mode="json")
    values["systems"] |= {name: spec.model_dump(mode="json") for name, spec in systems.items()}
    values["refine"] = {"systems": refined}
    if refined is None:
        del values["refine"]
    return parse_params(values)


@pytest.mark.parametrize(
    ("systems", "refined", "words"),
    [
        ({"genir": section()}, [], "systems.genir.refined: 'genir' is not in refine.systems; allowed: none"),
        ({"genir": section()}, ["visret"], "refine.systems.0: 'visret' is no system of kind genir"),
        ({"genir": section(), "o": section(rounds=4)}, ["genir"], "genir has 3 rounds, which is less than 4"),
        ({"genir": section(), "o": section(shown=5)}, ["genir"], "genir is set otherwise: shown; only rounds may"),
    ],
)
def test_a_wrong_section_is_refused(systems: dict[str, Any], refined: list[str], words: str) -> None:
    with pytest.raises(ProblemsError) as refused:
        params_with(systems, refined)
    assert words in str(refused.value)


def test_systems_may_share_rounds_and_refine_follows_from_them() -> None:
    params = params_with({"genir": section(), "genir-1": section(rounds=1)}, None)
    assert params.refine.systems == ["genir"]
    assert left_out(params) == {}
    silent = params.model_copy(update={"visualize": params.visualize.model_copy(update={"generator": None})})
    assert {"genir", "genir-1"} <= set(left_out(silent))
    assert without_left_out(silent).refine.systems == []
