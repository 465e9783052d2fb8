from __future__ import annotations

import io

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.corpus.store.pixels import (
    EXTENSIONS,
    MAX_BYTES,
    inspect_image,
    inspect_images,
    misnamed,
    open_image,
)
from fieldguide.records.images import REFUSED_IMAGE_REASONS
from tests.corpus.pictures import animation, encoded, photo, picture, png_header, rotated

MAX_PIXELS = 10_000


@pytest.mark.parametrize("format_", EXTENSIONS)
def test_every_admitted_format_is_described(format_: str) -> None:
    verdict = inspect_image(photo(1, format_), MAX_PIXELS)
    assert (verdict.reason, verdict.format, verdict.width, verdict.height) == (None, format_, 24, 16)
    assert len(verdict.phash) == 16
    assert open_image(photo(1, format_)).mode == "RGB"


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_file_cut_short_is_refused(format_: str) -> None:
    whole = encoded(picture(1, 90, 90), format_)
    verdict = inspect_image(whole[: len(whole) * 2 // 3], MAX_PIXELS)
    assert verdict.reason == "truncated"
    assert " at 0x" not in verdict.detail


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG", "TIFF"])
def test_more_than_one_frame_is_refused(format_: str) -> None:
    verdict = inspect_image(animation(format_), MAX_PIXELS)
    assert verdict.reason == "animated"
    assert verdict.detail == f"{format_} of more than one frame; one is needed"


def test_the_second_picture_of_a_phone_does_not_count() -> None:
    verdict = inspect_image(animation("MPO"), MAX_PIXELS)
    assert (verdict.reason, verdict.format) == (None, "JPEG")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [101, 10_000, 60_000])
def test_a_bomb_is_refused_by_its_header(side: int) -> None:
    # There are no pixels behind the header: decoding would have answered "truncated".
    verdict = inspect_image(png_header(side, side), MAX_PIXELS)
    assert verdict.reason == "oversized"
    assert str(side * side) in verdict.detail


def test_the_greatest_size_allowed_is_allowed() -> None:
    assert inspect_image(encoded(picture(1, 100, 100)), 10_000).reason is None


def test_a_file_with_too_many_bytes_is_not_opened() -> None:
    verdict = inspect_image(bytes(MAX_BYTES + 1), MAX_PIXELS)
    assert verdict.reason == "oversized"
    assert verdict.detail == f"{MAX_BYTES + 1} bytes; at most {MAX_BYTES} are read"


@pytest.mark.parametrize(
    ("data", "reason", "words"),
    [
        (b"", "empty", "no bytes"),
        (b"fruit, in words", "unreadable", "no image format known begins with 66 72 75 69"),
        (b"\xff\xd8\xff\xe0 and no more", "unreadable", "begins as JPEG, but its header cannot be read"),
        (encoded(picture(1), "ICO"), "unsupported", "ICO; allowed: JPEG, PNG"),
        (encoded(picture(1).convert("F"), "TIFF"), "unsupported", "TIFF of mode F; allowed: 1, L"),
        (encoded(Image.fromarray(np.zeros((4, 4), dtype=np.uint16)), "PNG"), "unsupported", "PNG of mode I;16"),
    ],
)
def test_what_is_no_image_or_none_of_ours_is_refused(data: bytes, reason: str, words: str) -> None:
    verdict = inspect_image(data, MAX_PIXELS)
    assert verdict.reason == reason
    assert words in verdict.detail


_WHOLE = [photo(1, format_) for format_ in EXTENSIONS]


@settings(deadline=None)
@given(
    st.sampled_from(_WHOLE),
    st.integers(0, 2000),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_no_bytes_whatever_stop_the_run(whole: bytes, cut: int, changes: list[tuple[int, int]]) -> None:
    data = bytearray(whole[: max(1, len(whole) - cut)])
    for place, value in changes:
        data[place % len(data)] = value
    verdict = inspect_image(bytes(data), MAX_PIXELS)
    if verdict.reason is None:
        assert open_image(bytes(data)).size == (verdict.width, verdict.height)
    else:
        assert verdict.reason in REFUSED_IMAGE_REASONS and verdict.detail


def test_a_refusal_reads_the_same_every_time() -> None:
    broken = photo(1)[:-30]
    assert inspect_image(broken, MAX_PIXELS) == inspect_image(bytes(broken), MAX_PIXELS)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_upright_before_they_are_measured_and_hashed(orientation: int) -> None:
    data = rotated(1, orientation)
    plain = Image.open(io.BytesIO(data))
    turned = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}[orientation]
    expected = np.asarray(plain if turned is None else plain.transpose(Image.Transpose(turned)))
    assert np.array_equal(np.asarray(open_image(data)), expected)
    verdict = inspect_image(data, MAX_PIXELS)
    assert (verdict.height, verdict.width) == expected.shape[:2]
    upright = inspect_image(encoded(Image.fromarray(expected)), MAX_PIXELS)
    assert verdict.phash == upright.phash


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    assert open_image(encoded(clear)).getpixel((0, 0)) == (255, 255, 255)
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([200, 0, 0] * 256)
    assert open_image(encoded(palette, transparency=0)).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    image = open_image(encoded(picture(1).convert(mode), "TIFF"))
    assert (image.mode, image.size) == ("RGB", (24, 16))


def test_open_image_says_that_bytes_do_not_decode() -> None:
    with pytest.raises(FieldguideError, match="these bytes do not decode as an image"):
        open_image(b"fruit, in words")


@pytest.mark.parametrize(
    ("name", "format_", "wrong"),
    [
        ("a.jpg", "JPEG", False),
        ("a.JPEG", "JPEG", False),
        ("a.mpo", "JPEG", False),
        ("a.dib", "BMP", False),
        ("a", "PNG", False),
        ("", "PNG", False),
        ("a.2024-05", "PNG", False),
        ("a.jpg", "PNG", True),
        ("a.webp", "JPEG", True),
        ("a.psd", "JPEG", True),
    ],
)
def test_a_name_may_not_say_another_format(name: str, format_: str, wrong: bool) -> None:
    Image.init()
    assert (misnamed(name, format_) is not None) is wrong


def test_a_wrong_name_is_told_with_both_formats() -> None:
    assert misnamed("a.jpg", "PNG") == "named .jpg, which is JPEG; the bytes are PNG"


def _photograph(format_: str, **options: object) -> bytes:
    """Noise on a slope, so that no part of it is even."""
    rng = np.random.default_rng(4)
    slope = np.linspace(40, 200, 240)[:, None, None] + rng.normal(0, 20, (240, 320, 3))
    stream = io.BytesIO()
    Image.fromarray(slope.clip(0, 255).astype(np.uint8)).save(stream, format_, **options)
    return stream.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.8])
def test_a_jpeg_that_was_cut_and_given_an_end_is_refused(kept: float, mode: str) -> None:
    whole = _photograph("JPEG", quality=90)
    if mode == "L":
        stream = io.BytesIO()
        Image.open(io.BytesIO(whole)).convert("L").save(stream, "JPEG", quality=90)
        whole = stream.getvalue()
    assert inspect_image(whole, 10**6).reason is None
    verdict = inspect_image(whole[: int(len(whole) * kept)] + b"\xff\xd9", 10**6)
    assert verdict.reason == "truncated"
    assert "grey of blocks that are missing" in verdict.detail


def test_a_webp_whose_end_is_zeros_is_refused() -> None:
    whole = _photograph("WEBP", quality=90)
    assert inspect_image(whole, 10**6).reason is None
    half = len(whole) // 2
    verdict = inspect_image(whole[:half] + bytes(len(whole) - half), 10**6)
    assert (verdict.reason, verdict.detail) == ("truncated", "WEBP: the compressed pixels end in zeros")


@pytest.mark.parametrize("colour", [(128, 128, 128), (255, 255, 255), (0, 0, 0), (127, 127, 127)])
@pytest.mark.parametrize("format_", ["JPEG", "WEBP", "PNG"])
def test_even_pictures_and_backgrounds_are_none_of_that(colour: tuple[int, int, int], format_: str) -> None:
    for height in (400, 200):  # all of one colour; a photograph above an even half
        picture = Image.new("RGB", (320, 400), colour)
        if height == 200:
            picture.paste(Image.open(io.BytesIO(_photograph("PNG"))).crop((0, 0, 320, 200)), (0, 0))
        stream = io.BytesIO()
        picture.save(stream, format_, **({"optimize": True} if format_ == "JPEG" else {}))
        # The grey of missing blocks below a photograph is the one even half that is taken for them.
        taken = format_ == "JPEG" and colour == (128, 128, 128) and height == 200
        assert (inspect_image(stream.getvalue(), 10**6).reason == "truncated") == taken


def test_hashes_of_many_are_those_of_imagehash() -> None:
    datas = [encoded(picture(seed, 20 + seed % 90, 30 + seed % 70), "JPEG") for seed in range(60)]
    datas += [encoded(Image.new(mode, (40, 40))) for mode in ("L", "RGB", "RGBA")] + [animation("GIF"), b"no"]
    found = inspect_images(datas, MAX_PIXELS * 4)
    assert found == [inspect_image(data, MAX_PIXELS * 4) for data in datas]
    assert [verdict.reason for verdict in found[-2:]] == ["animated", "unreadable"]
    assert [v.phash for v in found[:-2]] == [str(imagehash.phash(open_image(data))) for data in datas[:-2]]
