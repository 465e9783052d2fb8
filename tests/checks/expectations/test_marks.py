"""Each mark of a generated image is found and named; what only looks like one is not; no bytes raise."""

from __future__ import annotations

import io
import random
import warnings

import pytest
from PIL import Image

from fieldguide.checks.expectations.marks import GENERATED_SOURCES, generation_marks
from fieldguide.corpus.store.pixels import open_image
from tests.checks.expectations.marked_images import (
    SETTINGS,
    VOCABULARY,
    chunk,
    exif,
    jpeg_with,
    manifest,
    png,
    png_with,
    saved,
    webp_with,
    xmp,
)

TRAINED = VOCABULARY + "trainedAlgorithmicMedia"
CLAIMED = manifest(TRAINED)
DIGITAL = 'Iptc4xmpExt:DigitalSourceType="{}"'
NODES = '{"3": {"inputs": {"seed": 5}, "class_type": "KSampler"}}'

MARKED = {
    "c2pa jpeg": (jpeg_with(CLAIMED), "C2PA manifest: trainedAlgorithmicMedia"),
    "c2pa jpeg in many segments": (jpeg_with(CLAIMED, most=16), "C2PA manifest: trainedAlgorithmicMedia"),
    "c2pa png": (png_with(CLAIMED), "C2PA manifest: trainedAlgorithmicMedia"),
    "c2pa webp": (webp_with(CLAIMED), "C2PA manifest: trainedAlgorithmicMedia"),
    "xmp attribute": (
        saved("JPEG", xmp=xmp("", DIGITAL.format(VOCABULARY + "compositeWithTrainedAlgorithmicMedia"))),
        "XMP `DigitalSourceType`: compositeWithTrainedAlgorithmicMedia",
    ),
    "xmp element": (
        saved("WEBP", xmp=xmp(f"<Iptc4xmpExt:DigitalSourceType>{TRAINED}</Iptc4xmpExt:DigitalSourceType>")),
        "XMP `DigitalSourceType`: trainedAlgorithmicMedia",
    ),
    "xmp resource": (
        saved("JPEG", xmp=xmp(f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{TRAINED}"/>')),
        "XMP `DigitalSourceType`: trainedAlgorithmicMedia",
    ),
    "xmp code behind the pixels": (
        png(late=True, **{"XML:com.adobe.xmp": xmp("", DIGITAL.format("digsrctype:algorithmicMedia")).decode()}),
        "XMP `DigitalSourceType`: algorithmicMedia",
    ),
    "xmp tool": (saved("JPEG", xmp=xmp("", 'xmp:CreatorTool="Draw Things 1.2"')), "XMP `CreatorTool` of Draw Things"),
    "web ui png": (png(parameters=SETTINGS), "text `parameters` of Stable Diffusion web UI"),
    "web ui behind the pixels": (
        png(late=True, parameters=SETTINGS),
        "text `parameters` of Stable Diffusion web UI",
    ),
    "web ui jpeg": (
        exif("JPEG", b"UNICODE\0" + SETTINGS.encode("utf-16-be")),
        "EXIF `UserComment` of Stable Diffusion web UI",
    ),
    "web ui little endian": (
        exif("WEBP", b"UNICODE\0" + SETTINGS.encode("utf-16-le")),
        "EXIF `UserComment` of Stable Diffusion web UI",
    ),
    "web ui description": (
        exif("JPEG", ImageDescription=SETTINGS),
        "EXIF `ImageDescription` of Stable Diffusion web UI",
    ),
    "web ui comment": (saved("JPEG", comment=SETTINGS.encode()), "text `comment` of Stable Diffusion web UI"),
    "comfyui prompt": (png(prompt=NODES), "text `prompt` of ComfyUI"),
    "comfyui workflow": (png(workflow='{"last_node_id": 9, "nodes": []}'), "text `workflow` of ComfyUI"),
    "comfyui webp": (exif("WEBP", Model=f"prompt:{NODES}"), "EXIF `Model` of ComfyUI"),
    "swarmui": (png(parameters='{"sui_image_params": {"seed": 1}}'), "text `parameters` of SwarmUI"),
    "fooocus": (png(parameters='{"base_model": "x", "base_model_hash": "ab"}'), "text `parameters` of Fooocus"),
    "invokeai": (png(invokeai_metadata="{}"), "text `invokeai_metadata` of InvokeAI"),
    "invokeai 2": (png(**{"sd-metadata": "{}"}), "text `sd-metadata` of InvokeAI"),
    "invokeai 1": (png(Dream='"a fig" -s 50 -S 42 -W 512 -H 512 -C 7.5 -A k_lms'), "text `Dream` of InvokeAI"),
    "novelai": (png(Software="NovelAI", Comment="{}"), "text `Software` of NovelAI"),
    "exif software": (exif("JPEG", Software="InvokeAI 5.1"), "EXIF `Software` of InvokeAI"),
}  # fmt: skip

CAPTURE = VOCABULARY + "digitalCapture"
UNMARKED = {
    "plain": saved("JPEG"),
    "c2pa of a camera": jpeg_with(manifest(CAPTURE)),
    "c2pa of a phone that merges frames": png_with(manifest(VOCABULARY + "computationalCapture")),
    "other boxes": png_with(manifest(TRAINED, kind="xyz1")),
    "other chunk of a webp": webp_with(CLAIMED).replace(b"C2PA", b"EGGS"),
    "xmp of a camera": saved("JPEG", xmp=xmp("", DIGITAL.format(CAPTURE))),
    "xmp retouched": saved("JPEG", xmp=xmp("", DIGITAL.format(VOCABULARY + "algorithmicallyEnhanced"))),
    "xmp caption": saved("JPEG", xmp=xmp("<dc:description>No trainedAlgorithmicMedia: a photo</dc:description>")),
    "caption about parameters": png(Description="parameters: Steps: none, prompt and workflow of a day"),
    "parameters of something else": png(parameters="exposure 1/60, gain 4", prompt="look up", workflow="scan"),
    "dream of a person": png(Dream="of figs"),
    "editor": exif("JPEG", b"ASCII\0\0\0a fig, steps: 3", Software="Adobe Photoshop 25.0", Model="Canon EOS R5"),
    "editor of png": png(Software="GIMP 2.10.36", Comment="Created with GIMP"),
    "talk of a tool": exif("JPEG", ImageDescription="A poster against Midjourney"),
    "gif": saved("GIF"), "tiff": saved("TIFF"), "bmp": saved("BMP"), "none": b"", "no image": b"parameters" * 9,
}  # fmt: skip


@pytest.mark.parametrize("name", MARKED)
def test_a_mark_is_found_and_named(name: str) -> None:
    data, mark = MARKED[name]
    assert generation_marks(data) == [mark]
    open_image(data)  # what was written is still an image


@pytest.mark.parametrize("name", UNMARKED)
def test_what_looks_like_one_is_none(name: str) -> None:
    assert generation_marks(UNMARKED[name]) == []


@pytest.mark.parametrize("source", GENERATED_SOURCES)
def test_every_source_that_is_generated_is_known(source: str) -> None:
    assert generation_marks(jpeg_with(manifest(VOCABULARY + source))) == [f"C2PA manifest: {source}"]
    packet = xmp("", DIGITAL.format(VOCABULARY + source))
    assert generation_marks(saved("JPEG", xmp=packet)) == [f"XMP `DigitalSourceType`: {source}"]


def test_all_marks_are_told_though_one_field_is_damaged() -> None:
    data = png(parameters=SETTINGS, Software="NovelAI")
    broken = data[:33] + chunk(b"eXIf", b"no TIFF") + data[33:]
    with pytest.raises(SyntaxError):
        Image.open(io.BytesIO(broken)).getexif()
    assert generation_marks(broken) == ["text `Software` of NovelAI", "text `parameters` of Stable Diffusion web UI"]


def test_damaged_bytes_raise_nothing() -> None:
    draw, told = random.Random(1), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of what it meets
        for data, _ in MARKED.values():
            for _ in range(30):
                damaged = bytearray(data[: draw.randrange(len(data))] if draw.random() < 0.3 else data)
                for _ in range(draw.randrange(1, 9)):
                    damaged[draw.randrange(len(damaged))] = draw.randrange(256)
                told.append(generation_marks(bytes(damaged)))
    kinds = ("C2PA manifest: ", "EXIF `", "XMP `", "text `")
    assert [mark for marks in told for mark in marks if not mark.startswith(kinds)] == []
    assert any(told)
    assert not all(told)


@pytest.mark.timeout(20)  # unbounded patterns take hours
def test_long_fields_take_no_time() -> None:
    assert generation_marks(png(parameters="Steps: 1, " * 90_000)) == []
    assert generation_marks(png(Dream='" -s 1 ' * 90_000)) == []
