"""Which code a stage depends on, by its imports, held against dvc.yaml.

    python -m flows.dependencies            what differs; exit status 1 if anything does
    python -m flows.dependencies --write    write the code under deps of every stage into dvc.yaml

Every import counts, also those inside functions, and so do the files beside a package's modules
(templates). Left out is what cannot change a result: errors, progress, paths, and params/ (the values
it reads are tracked under `params`). A module that is loaded by name only (a provider of
fieldguide/models/) is found through its package: whoever imports a package with providers depends on
the whole package.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

from fieldguide.core.files import atomic_open

PARTS = ("annotation", "fieldguide", "flows")
# Changing these cannot change what a stage writes.
INERT = frozenset(
    {
        "annotation/__init__.py", "fieldguide/__init__.py", "fieldguide/core/errors.py", "fieldguide/core/paths.py",
        "fieldguide/core/progress.py", "flows/__init__.py", "fieldguide/runtime/stage.py",
    }
)  # fmt: skip
_VALUES = "fieldguide/params/"
# Packages whose modules are loaded by name.
PROVIDERS = ("fieldguide/models", "fieldguide/retrieval/systems")


def _inert(file: str) -> bool:
    return file in INERT or file.startswith(_VALUES)


def module_file(module: str, root: Path) -> Path | None:
    """The file of a module of the project, relative to `root`; None for any other module."""
    if module.partition(".")[0] not in PARTS:
        return None
    path = Path(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if (root / candidate).is_file():
            return candidate
    return None


@cache
def imported(file: Path, root: Path) -> frozenset[Path]:
    """Files of the project that a file imports, anywhere in it, with the packages' faces on the way."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse((root / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            for end in range(1, len(parts) + 1):
                path = module_file(".".join(parts[:end]), root)
                if path is not None:
                    found.add(path)
    return frozenset(found)


def code_of(stage: str, root: Path = Path()) -> list[str]:
    """Files and provider packages that a stage depends on, sorted, as dvc.yaml writes them."""
    todo, seen, packages = [Path("flows") / f"{stage}.py"], set[Path](), set[str]()
    while todo:
        file = todo.pop()
        if file in seen or _inert(file.as_posix()):
            continue
        seen.add(file)
        todo.extend(imported(file, root))
        for package in {p for p in PROVIDERS if file.is_relative_to(p)} - packages:
            packages.add(package)
            todo.extend(provider.relative_to(root) for provider in (root / package).glob("**/*.py"))
    files = {file.as_posix() for file in seen if not any(file.is_relative_to(package) for package in packages)}
    data = {path.as_posix() for folder in {file.parent for file in seen} for path in _data(folder, root)}
    return sorted(files | packages | data)


def _data(folder: Path, root: Path) -> list[Path]:
    """What lies in a package beside its modules: templates, styles. A folder without modules counts as a whole."""
    if len(folder.parts) < 2:
        return []
    beside = [path for path in sorted((root / folder).iterdir()) if path.suffix not in (".py", ".pyc")]
    data = [path for path in beside if path.is_file() or (path.name != "__pycache__" and not any(path.glob("**/*.py")))]
    return [path.relative_to(root) for path in data]


def _is_code(dependency: str) -> bool:
    """What a curator edits beside the modules of annotation/ (gold.csv) is data: a stage names what it reads."""
    part, _, rest = dependency.partition("/")
    return part in PARTS and (part != "annotation" or rest.endswith(".py"))


def differences(root: Path = Path()) -> list[str]:
    """How dvc.yaml's code dependencies differ from what the stages import, one line each."""
    import yaml

    stages = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    lines = []
    for name, stage in stages.items():
        if "deps" not in stage:  # it runs only when told
            continue
        listed = {dependency for dependency in stage["deps"] if _is_code(dependency)}
        wanted = set(code_of(name, root))
        lines += [f"{name}: {path} is imported and missing from deps" for path in sorted(wanted - listed)]
        lines += [f"{name}: {path} is under deps and not imported" for path in sorted(listed - wanted)]
    return lines


def write(root: Path = Path()) -> None:
    """Rewrite the code under `deps` of every stage, keeping dvc.yaml's comments and order."""
    from ruamel.yaml import YAML

    document = YAML()
    document.width = 120
    document.indent(mapping=2, sequence=4, offset=2)
    path = root / "dvc.yaml"
    pipeline = document.load(path.read_text(encoding="utf-8"))
    for name, stage in pipeline["stages"].items():
        if "deps" not in stage:
            continue
        data = [dependency for dependency in stage["deps"] if not _is_code(dependency)]
        stage["deps"][:] = [*code_of(name, root), *data]
    with atomic_open(path) as stream:
        document.dump(pipeline, stream)


def main() -> None:
    """Check, or mend with --write."""
    if sys.argv[1:] == ["--write"]:
        write()
    found = differences()
    print("\n".join(found) or "dvc.yaml names the code that the stages import")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
