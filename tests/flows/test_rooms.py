"""The rooms of the library, and that a stage of dvc.yaml depends on just those whose code it runs."""

from __future__ import annotations

import ast
import contextlib
import shutil
import statistics
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.flows.imports import imported, reached

ROOMS = (
    "core", "records", "models", "corpus", "queries", "retrieval", "formats", "evaluation", "annotation", "answering",
    "checks", "params", "projects", "publishing", "runtime", "cli",
)  # fmt: skip
# What cannot change a result: the machinery, the gathering of the sections, and what .dvcignore names.
INERT = (
    "fieldguide/cli/", "fieldguide/runtime/", "fieldguide/params/", "fieldguide/projects/", "fieldguide/core/errors.py",
    "fieldguide/core/paths.py", "fieldguide/core/progress.py",
)  # fmt: skip
FILES = sorted(p.relative_to(REPOSITORY) for part in ("fieldguide", "flows") for p in (REPOSITORY / part).rglob("*.py"))
LIBRARY = [file for file in FILES if file.parts[0] == "fieldguide"]
# More than a dozen modules, each for a reason that docs/decisions/ gives.
CROWDED: dict[str, int] = {}


@cache
def stages() -> dict[str, Any]:
    """dvc.yaml's stages that depend on anything."""
    found = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    return {name: stage for name, stage in found.items() if "deps" in stage}


def code(stage: dict[str, Any]) -> list[str]:
    """Code among a stage's dependencies."""
    return [dep for dep in stage["deps"] if dep.partition("/")[0] in ("fieldguide", "flows")]


def within(file: Path, dependency: str) -> bool:
    return file.is_relative_to(dependency)


@cache
def used(stage: str) -> set[Path]:
    """The code that a stage's flow runs. What takes all of params.yaml tells of all of it: of every default too."""
    if "params: Params" in (REPOSITORY / "flows" / f"{stage}.py").read_text():
        return {Path(f"flows/{stage}.py"), *(file for file in LIBRARY if not file.as_posix().startswith(INERT))}
    return {file for file in reached(Path(f"flows/{stage}.py"), INERT) if file.name != "__init__.py"}


@pytest.mark.parametrize("stage", stages())
def test_a_stage_names_the_rooms_that_it_imports_from_and_no_others(stage: str) -> None:
    named, imports = code(stages()[stage]), used(stage)
    assert sorted(str(f) for f in imports if not any(within(f, dep) for dep in named)) == [], "imported, not named"
    assert [dep for dep in named if not any(within(f, dep) for f in imports)] == [], "named, not imported"


def test_the_shell_that_dvc_starts_gives_way_to_the_step() -> None:
    found = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    commands = [stage["do"]["cmd"] if "do" in stage else stage["cmd"] for stage in found.values()]
    assert [command for command in commands if not command.startswith("exec python -m flows.")] == []


def test_there_are_few_stages_and_they_are_read_in_one_sitting() -> None:
    text = (REPOSITORY / "dvc.yaml").read_text()
    assert len(yaml.safe_load(text)["stages"]) <= 25
    assert len(text.splitlines()) <= 400
    # DVC reads and writes all of it at every stage. 2,500 lines were allowed for 19 stages; `answer` is the twentieth,
    # and two rooms and a system came with it.
    assert len((REPOSITORY / "dvc.lock").read_text().splitlines()) <= 2725


def room(file: Path) -> str:
    return file.parts[1] if len(file.parts) > 2 else ""


@pytest.mark.parametrize("file", [f for f in LIBRARY if room(f)], ids=str)
def test_imports_run_down(file: Path) -> None:
    """Sections of params.yaml are a floor of their own, above core: they import core and other sections only."""
    is_section = file.name == "section.py" or "sections" in file.parts
    for target in imported(file):
        assert target.parts[0] == "fieldguide", f"{file} imports {target}"
        if is_section:
            allowed = (
                room(target) == "core" or target.name in ("section.py", "__init__.py") or "sections" in target.parts
            )
            assert allowed, f"the section {file} imports {target}"
        elif target.name != "section.py" and room(target):
            assert ROOMS.index(room(target)) <= ROOMS.index(room(file)), f"{file} imports {target}, a room above"


def test_no_modules_import_each_other() -> None:
    import networkx

    graph = networkx.DiGraph((str(file), str(target)) for file in FILES for target in imported(file))
    assert [sorted(circle) for circle in networkx.strongly_connected_components(graph) if len(circle) > 1] == []


def test_a_folder_holds_at_most_a_dozen_modules() -> None:
    counts = Counter(str(file.parent) for file in LIBRARY if file.name not in ("__init__.py", "section.py"))
    assert {folder: n for folder, n in counts.items() if n > CROWDED.get(folder, 12)} == {}


def classes() -> Iterator[tuple[str, Path]]:
    for file in FILES:
        for node in ast.parse((REPOSITORY / file).read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, file


def test_no_two_public_classes_have_one_name() -> None:
    found: dict[str, list[str]] = {}
    for name, file in classes():
        found.setdefault(name, []).append(str(file))
    assert {name: files for name, files in found.items() if len(files) > 1} == {}


def test_functions_fit_a_screen() -> None:
    lengths = {}
    for file in FILES:
        for node in ast.walk(ast.parse((REPOSITORY / file).read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                lengths[f"{file}:{node.name}:{node.lineno}"] = node.end_lineno - node.lineno + 1
    assert {name: n for name, n in lengths.items() if n > 60} == {}
    assert statistics.median(lengths.values()) <= 8


def defaults(file: Path) -> list[str]:
    """What of a file a user does not see in params.yaml and gets all the same: defaults of sections, texts."""
    if file.suffix != ".py":
        return ["the template"]
    tree, found = ast.parse((REPOSITORY / file).read_text()), []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and (file.name == "section.py" or "sections" in file.parts):
            found += [
                f"{node.name}.{ast.unparse(n.target)}" for n in node.body if isinstance(n, ast.AnnAssign) and n.value
            ]
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            texts = [n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if any(len(text.split()) > 3 for text in texts):
                found.append(ast.unparse(target))
    return found


# Texts that people are told and that reach no output.
TOLD = (
    "fieldguide/annotation/judgments/quarantine.py", "fieldguide/evaluation/leaderboard/table.py",
    "fieldguide/models/loading/torchvision.py",
)  # fmt: skip
CHANGEABLE = {
    file: names
    for file in sorted(p.relative_to(REPOSITORY) for p in (REPOSITORY / "fieldguide").rglob("*") if p.is_file())
    if file.suffix in (".py", ".yaml", ".j2") and not file.as_posix().startswith((*INERT, *TOLD))
    if (names := defaults(file))
}


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code and dvc.yaml's stages without their data, all up to date."""
    from dvc.repo import Repo

    folder = tmp_path_factory.mktemp("rooms") / "site"
    for part in ("fieldguide", "flows"):
        shutil.copytree(REPOSITORY / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / ".dvcignore", folder)
    made = {
        name: {"cmd": f"python -m flows.{name}", "deps": code(stage), "outs": [f"made/{name}"]}
        for name, stage in stages().items()
    }
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": made}))
    (folder / "made").mkdir()
    for name in made:
        (folder / "made" / name).write_text(name)
    with contextlib.chdir(folder), Repo.init(str(folder), no_scm=True) as repo:
        repo.commit(force=True)
        assert repo.status() == {}
    return folder


@pytest.mark.parametrize("file", CHANGEABLE, ids=lambda file: f"{file}: {', '.join(CHANGEABLE[file])}"[:120])
def test_a_changed_default_prompt_or_template_makes_the_stages_stale_that_use_it(committed: Path, file: Path) -> None:
    from dvc.repo import Repo

    path = committed / file
    before = path.read_bytes()
    # A template lies beside the modules that render it.
    users = [file] if file.suffix == ".py" else [f for f in LIBRARY if file.is_relative_to(f.parent)]
    wanted = {name for name in stages() if used(name) & set(users)}
    try:
        path.write_bytes(before + b"\n# changed\n")
        with contextlib.chdir(committed), Repo(str(committed)) as repo:
            assert set(repo.status()) == wanted
    finally:
        path.write_bytes(before)
