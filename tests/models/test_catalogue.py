import json

import pytest
import yaml
from pydantic import TypeAdapter
from typer.testing import CliRunner

from fieldguide.cli.main import app
from fieldguide.models.catalogue import UsualModel, usual_models
from fieldguide.models.encoders.section import AnyEncoder
from fieldguide.models.generators.section import AnyGenerator
from fieldguide.models.loading.torchvision import declare_operators


@pytest.mark.parametrize("model", usual_models(), ids=lambda model: model.name)
def test_sections_are_valid_and_can_be_pasted(model: UsualModel) -> None:
    TypeAdapter(AnyEncoder if model.role == "encoders" else AnyGenerator).validate_python(model.section)
    printed = yaml.safe_load(CliRunner().invoke(app, ["models", model.name]).output)
    assert printed[model.role] == {model.name: model.section}


def test_open_clip_knows_the_architectures_and_tags() -> None:
    declare_operators()
    import open_clip

    known = open_clip.list_pretrained()
    for model in usual_models():
        if model.section["kind"] == "open_clip":
            assert (model.section["architecture"], model.section["tag"]) in known


def test_all_are_listed_and_another_name_is_refused() -> None:
    listed = json.loads(CliRunner().invoke(app, ["models", "--json"]).output)
    assert {row["name"] for row in listed} == {model.name for model in usual_models()}
    assert "no model 'vgg' is listed; there are clip-vit-b-32" in str(
        CliRunner().invoke(app, ["models", "vgg"]).exception
    )
