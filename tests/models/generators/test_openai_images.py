"""The images API, against a server of this machine that misbehaves."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from pydantic import ValidationError

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.models.calls.budget import BudgetError
from fieldguide.models.calls.pricing import Usage
from fieldguide.models.generators.openai_images import OpenAIImages
from fieldguide.models.generators.registry import load_generator
from fieldguide.models.loading.protocols import Refused
from fieldguide.queries.visuals.drawing.drawings import draw_all, failures, read_drawings
from fieldguide.queries.visuals.drawing.section import Visualize
from fieldguide.records.topics import Phrase
from tests.models import tiny
from tests.models.endpoint import (
    BAD_BASE64,
    BROKEN_JSON,
    HTTP_500,
    KEY,
    MODERATED,
    NO_IMAGE,
    NO_QUOTA,
    RATE_LIMITED,
    Act,
    Answer,
    endpoint,
    failure,
    images,
    png,
    serve,
    slow_body,
    wrong_size,
)
from tests.models.generators.sections import section


def file(number: int, size: tuple[int, int] = (16, 16), kind: str = "PNG") -> bytes:
    """A noisy image, another one for each number."""
    stream = io.BytesIO()
    tiny.images(1, seed=number)[0].resize(size).save(stream, kind)
    return stream.getvalue()


GOOD = images(file(0))


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_IMAGES_KEY", KEY)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def load(root: Path, base_url: str, **values: Any) -> OpenAIImages:
    given = {
        "base_url": base_url, "model": "tiny-image", "api_key_variable": "TEST_IMAGES_KEY", "size": "16x16",
        "quality": "low", "retries": 2, "timeout": 5.0, **values,
    }  # fmt: skip
    made = load_generator("mine", section("openai-images", **given), root)
    assert isinstance(made, OpenAIImages)
    return made


def draw(root: Path, *acts: Act | dict[str, Any], **values: Any) -> Image.Image | Refused:
    with serve(*acts) as server:
        [drawing] = load(root, server.base_url, **values).draw(["pear"], [1])
    return drawing


def pixels(drawings: list[Image.Image | Refused]) -> list[bytes]:
    assert all(isinstance(drawing, Image.Image) for drawing in drawings), drawings
    return [drawing.tobytes() for drawing in drawings if isinstance(drawing, Image.Image)]


def test_a_drawing_is_asked_for_once_for_each_seed_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts, seeds = ["pear", "pear", "apple"], [1, 2, 1]
    with endpoint(lambda number, _: Answer(images(file(number)))) as server:
        generator = load(tmp_path, server.base_url, concurrency=1)
        drawn = pixels(generator.draw(prompts, seeds))
        assert drawn == [tiny.images(1, seed=n)[0].resize((16, 16)).tobytes() for n in range(3)]
        assert [(r["prompt"], r["n"], r["size"], r["quality"]) for r in server.requests] == [
            ("pear", 1, "16x16", "low"),
            ("pear", 1, "16x16", "low"),
            ("apple", 1, "16x16", "low"),
        ]
        assert not any({"seed", "response_format"} & request.keys() for request in server.requests)
        assert set(server.paths) == {"/v1/images/generations"}
    monkeypatch.delenv("TEST_IMAGES_KEY")
    again = load(tmp_path, server.base_url)
    assert pixels(again.draw(prompts[::-1], seeds[::-1])) == drawn[::-1]


def test_compatibles_get_seed_format_and_options_of_their_own(tmp_path: Path) -> None:
    with serve(GOOD) as server:
        options = {"num_inference_steps": 4, "negative_prompt": "blurred"}
        generator = load(
            tmp_path, server.base_url, send_seed=True, response_format="b64_json", options=options, quality=None
        )
        generator.draw(["pear"], [2**63 - 1])
    sent = {"size": "16x16", "response_format": "b64_json", "seed": 2**63 - 1, **options}
    assert server.requests == [{"model": "tiny-image", "prompt": "pear", "n": 1, **sent}]
    assert generator.settings == {"size": "16x16", **options}


def test_calls_are_made_at_once_up_to_the_limit(tmp_path: Path) -> None:
    with endpoint(lambda number, _: Answer(images(file(number)), silence=0.1)) as server:
        drawn = load(tmp_path, server.base_url, concurrency=2).draw(["pear"] * 6, range(6))
    assert len(set(pixels(drawn))) == 6
    assert server.most_at_once == 2


@pytest.mark.parametrize("act", [RATE_LIMITED, HTTP_500])
def test_what_passes_is_asked_again(act: Answer, tmp_path: Path) -> None:
    assert isinstance(draw(tmp_path, act, GOOD), Image.Image)


@pytest.mark.parametrize(
    ("act", "reason", "requests"),
    [
        (RATE_LIMITED, "HTTP 429: slow down (tried 3 times)", 3),
        (HTTP_500, "HTTP 500: Error code: 500 (tried 3 times)", 3),
        (0.6, "no answer in time; raise `timeout` or look at the endpoint", 3),
        (slow_body(GOOD), "no answer in time; raise `timeout` or look at the endpoint", 3),
        (BROKEN_JSON, "the answer is not JSON", 1),
        (Answer({"data": []}), "not an answer of an images API (data: List should have at least 1 item", 1),
        (Answer({"data": [{}]}), "the endpoint sent no image", 1),
        (
            Answer({"data": [{"url": "http://127.0.0.1/secret"}]}),
            "the endpoint sent an address instead of an image; set response_format: b64_json",
            1,
        ),
        (BAD_BASE64, "what the endpoint sent is no image: ", 1),
        (NO_IMAGE, "what the endpoint sent is no image: no PNG, JPEG or WEBP image", 1),
        (Answer(images(file(0)[:200])), "what the endpoint sent is no image: no PNG, JPEG or WEBP image", 1),
    ],
)
def test_a_failure_is_recorded_and_asked_again_by_the_next_run(
    act: Act, reason: str, requests: int, tmp_path: Path
) -> None:
    with serve(act) as server:
        generator = load(tmp_path, server.base_url, timeout=0.3)
        [failed] = generator.draw(["pear"], [1])
    assert isinstance(failed, Refused)
    assert failed.reason.startswith(f"images: tiny-image at {server.base_url}: {reason}")
    assert len(server.requests) == requests
    assert list(generator.calls.store.calls()) == []


def test_one_failure_spoils_no_other_drawing(tmp_path: Path) -> None:
    with endpoint(lambda _, body: BAD_BASE64 if body["prompt"] == "apple" else Answer(GOOD)) as server:
        first, second, third = load(tmp_path, server.base_url).draw(["pear", "apple", "fruit"], [1, 2, 3])
    assert isinstance(first, Image.Image)
    assert isinstance(second, Refused)
    assert isinstance(third, Image.Image)


def test_a_refusal_is_kept_and_never_asked_again(tmp_path: Path) -> None:
    with serve(MODERATED, GOOD) as server:
        generator = load(tmp_path, server.base_url)
        assert generator.draw(["pear"], [1]) == [Refused("rejected by the safety system")]
        assert generator.draw(["pear"], [1]) == [Refused("rejected by the safety system")]
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (wrong_size(), "an image of 7x5 pixels came, 16x16 were asked for"),
        (Answer(images(png(16, 16, (0, 0, 0)))), "the drawing is of one plain colour"),
    ],
)
def test_an_image_that_was_not_asked_for_is_kept_and_not_counted(act: Answer, reason: str, tmp_path: Path) -> None:
    with serve(act, GOOD) as server:
        generator = load(tmp_path, server.base_url)
        assert generator.draw(["pear"], [1]) == [Refused(reason)]
        assert generator.draw(["pear"], [1]) == [Refused(reason)]
        assert len(server.requests) == 1


def test_any_size_fits_auto(tmp_path: Path) -> None:
    drawing = draw(tmp_path, images(file(0, (7, 5))), size="auto")
    assert isinstance(drawing, Image.Image)
    assert drawing.size == (7, 5)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    stream = io.BytesIO()
    image = Image.new("RGBA", (16, 16))
    image.putpixel((3, 4), (10, 20, 30, 255))
    image.save(stream, "WEBP", lossless=True)
    drawing = draw(tmp_path, images(stream.getvalue()))
    assert isinstance(drawing, Image.Image)
    assert sorted(drawing.getcolors() or []) == [(1, (10, 20, 30)), (255, (255, 255, 255))]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (failure(401, f"Incorrect API key provided: {KEY}"), "HTTP 401: the key is not accepted"),
        (NO_QUOTA, "HTTP 429: you exceeded your current quota"),
        (failure(400, "Invalid size", "invalid_value"), "HTTP 400: Invalid size"),
    ],
)
def test_what_concerns_every_drawing_ends_the_run(act: Answer, message: str, tmp_path: Path) -> None:
    with pytest.raises(FieldguideError) as error:
        draw(tmp_path, act)
    assert message in str(error.value)
    assert KEY not in str(error.value)


def test_an_endpoint_that_is_not_there_and_a_missing_key_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = load(tmp_path, "http://127.0.0.1:9/v1", retries=0)
    with pytest.raises(FieldguideError, match=r"images: tiny-image at http://127.0.0.1:9/v1: cannot be reached"):
        generator.draw(["pear"], [1])
    monkeypatch.delenv("TEST_IMAGES_KEY")
    with pytest.raises(FieldguideError, match="the environment variable TEST_IMAGES_KEY is empty"):
        generator.draw(["pear"], [1])


def test_an_empty_prompt_is_not_sent(tmp_path: Path) -> None:
    assert load(tmp_path, "http://127.0.0.1:9/v1").draw([" "], [1]) == [Refused("the prompt has no words")]


def test_the_budget_stops_before_it_is_exceeded_and_what_was_drawn_stays(tmp_path: Path) -> None:
    prices = {"tiny-image": {"image": 9.0}, "tiny-image/low/16x16": {"image": 0.4}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"calls": {"budget": 1.0, "prices": prices}}))
    with serve(GOOD) as server:
        generator = load(tmp_path, server.base_url, concurrency=1)
        with pytest.raises(BudgetError, match=r"images: tiny-image .* up to 0.4000, and 0.8000 of calls.budget"):
            generator.draw(["pear"] * 3, [1, 2, 3])
        assert len(server.requests) == 2
        assert len(generator.draw(["pear"] * 2, [1, 2])) == 2
    kept = list(generator.calls.store.calls())
    assert [(call.kind, call.cost, call.usage) for call in kept] == [("images", 0.4, Usage(7, 272, 1))] * 2


def test_what_a_drawing_may_use_is_bounded(tmp_path: Path) -> None:
    def usages(**values: Any) -> tuple[Usage, Usage]:
        request = load(tmp_path, "http://127.0.0.1:9/v1", **values).request("a pear", 1)
        return request.most, request.likely

    assert usages(size="1024x1024", quality="medium") == (Usage(6, 6240, 1), Usage(2, 1056, 1))
    assert usages(size="1024x1536", quality="high") == (Usage(6, 6240, 1), Usage(2, 6240, 1))
    assert usages(quality="hd", image_tokens=100) == (Usage(6, 100, 1), Usage(2, 100, 1))


def test_a_stage_reports_what_failed_fuses_nothing_in_its_place_and_asks_again_only_for_that(tmp_path: Path) -> None:
    phrases = [Phrase(f"t1.e{n}", text, "template") for n, text in enumerate(["pear", "apple", "fruit"], 1)]
    values, paths = Visualize(generator="mine", images=2, seed=7), Paths(tmp_path)
    broken = True

    def act(number: int, body: dict[str, Any]) -> Act:
        if body["prompt"] == "pear":
            return MODERATED
        return BAD_BASE64 if broken and body["prompt"] == "apple" else Answer(images(file(number)))

    with endpoint(act) as server:
        generator = load(tmp_path, server.base_url)
        assert str(draw_all(phrases, values, generator, paths)) == "2 drawn now, 0 drawn before, 4 failed"
        assert failures(paths)["rejected by the safety system"] == 2
        assert {row.prompt for row, _ in read_drawings(paths)} == {"fruit"}
        broken = False
        before = len(server.requests)
        assert str(draw_all(phrases, values, generator, paths)) == "2 drawn now, 2 drawn before, 2 failed"
        assert [request["prompt"] for request in server.requests[before:]] == ["apple", "apple"]
        assert str(draw_all(phrases, values, generator, paths)) == "0 drawn now, 4 drawn before, 2 failed"
        assert len(server.requests) == before + 2


def test_a_stored_call_without_an_image_is_told(tmp_path: Path) -> None:
    with serve(GOOD) as server:
        generator = load(tmp_path, server.base_url)
        generator.draw(["pear"], [1])
    [path] = (tmp_path / "data" / "calls").glob("[0-9a-f][0-9a-f]/*.json")
    [call] = generator.calls.store.calls()
    whole = path.read_text()
    path.write_text(whole.replace(call.blobs[0], "0" * 64))
    with pytest.raises(FieldguideError, match="missing or damaged; delete the call that names it"):
        generator.draw(["pear"], [1])
    path.write_text(json.dumps({**json.loads(whole), "blobs": []}))
    with pytest.raises(FieldguideError, match=f"the stored call {call.key} holds no image; delete it"):
        generator.draw(["pear"], [1])


def test_revision_and_settings_tell_models_apart(tmp_path: Path) -> None:
    one = load(tmp_path, "http://127.0.0.1:9/v1")
    other = load(tmp_path, "http://127.0.0.1:9/v1", model="other", quality="high")
    assert one.revision != other.revision
    assert (one.settings["quality"], other.settings["quality"]) == ("low", "high")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": "big"}, "size"),
        ({"options": {"seed": 1, "n": 2}}, "holds n, seed; those have keys of their own, or are fixed"),
        ({"base_url": "http://me:secret@host/v1"}, "holds a user name or password"),
    ],
)
def test_a_section_that_does_not_fit_is_told(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        section("openai-images", **{"base_url": "http://127.0.0.1/v1", "model": "m", **values})
