"""dvc.yaml names the code that stages import: neither less nor more."""

from __future__ import annotations

from pathlib import Path

import yaml

from flows.dependencies import code_of, differences, imported, write
from tests.conftest import REPOSITORY


def test_dvc_yaml_names_the_code_that_stages_import() -> None:
    assert differences(REPOSITORY) == []


def _toy(root: Path) -> None:
    files = {
        "flows/__init__.py": "",
        "flows/embed.py": "from fieldguide.runtime.stage import stage\n\ndef f():\n    from fieldguide.search import top\n",
        "fieldguide/runtime/stage.py": "import fieldguide.unrelated",
        "fieldguide/__init__.py": "",
        "fieldguide/search.py": "from fieldguide import ranks\nimport numpy",
        "fieldguide/ranks.py": "",
        "fieldguide/unrelated.py": "",
        "dvc.yaml": "stages:\n  embed: # kept\n    deps:\n      - fieldguide/unrelated.py\n      - data/a\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_imports_inside_functions_and_through_others_count_and_inert_files_do_not(tmp_path: Path) -> None:
    _toy(tmp_path)
    assert code_of("embed", tmp_path) == ["fieldguide/ranks.py", "fieldguide/search.py", "flows/embed.py"]


def test_what_is_missing_and_what_is_superfluous_is_named_and_mended(tmp_path: Path) -> None:
    _toy(tmp_path)
    assert differences(tmp_path) == [
        "embed: fieldguide/ranks.py is imported and missing from deps",
        "embed: fieldguide/search.py is imported and missing from deps",
        "embed: flows/embed.py is imported and missing from deps",
        "embed: fieldguide/unrelated.py is under deps and not imported",
    ]
    write(tmp_path)
    assert differences(tmp_path) == []
    text = (tmp_path / "dvc.yaml").read_text()
    assert "# kept" in text
    assert yaml.safe_load(text)["stages"]["embed"]["deps"][-1] == "data/a"


def test_what_a_curator_edits_in_annotation_is_data_and_stays(tmp_path: Path) -> None:
    _toy(tmp_path)
    path = tmp_path / "dvc.yaml"
    path.write_text(path.read_text() + "      - annotation/gold.csv\n      - annotation/gone.py\n")
    assert "embed: annotation/gone.py is under deps and not imported" in differences(tmp_path)
    write(tmp_path)
    assert yaml.safe_load(path.read_text())["stages"]["embed"]["deps"][-2:] == ["data/a", "annotation/gold.csv"]


def test_providers_loaded_by_name_count_through_their_package(tmp_path: Path) -> None:
    _toy(tmp_path)
    (tmp_path / "fieldguide" / "models").mkdir()
    (tmp_path / "fieldguide" / "models" / "__init__.py").write_text("")
    (tmp_path / "fieldguide" / "models" / "one.py").write_text("import fieldguide.unrelated")
    (tmp_path / "fieldguide" / "ranks.py").write_text("from fieldguide.models import load")
    imported.cache_clear()
    assert code_of("embed", tmp_path)[:2] == ["fieldguide/models", "fieldguide/ranks.py"]
    assert "fieldguide/unrelated.py" in code_of("embed", tmp_path)
    (tmp_path / "fieldguide" / "unrelated.py").write_text("import fieldguide.far")  # what a provider's imports import
    (tmp_path / "fieldguide" / "far.py").write_text("")
    imported.cache_clear()
    assert "fieldguide/far.py" in code_of("embed", tmp_path)


def test_the_library_imports_nothing_above_it() -> None:
    """flows -> annotation -> fieldguide, and the library knows no Prefect, DVC or Label Studio."""
    order = ("fieldguide", "annotation", "flows")
    for part in order:
        for file in sorted((REPOSITORY / part).glob("**/*.py")):
            above = order[order.index(part) + 1 :]
            names = {path.parts[0] for path in imported(file.relative_to(REPOSITORY), REPOSITORY)}
            assert not names & set(above), file
            if part == "fieldguide":
                text = file.read_text()
                for foreign in ("prefect", "dvc", "label_studio_sdk"):
                    assert f"import {foreign}" not in text, file
                    assert f"from {foreign}" not in text, file
