"""What the code of the project imports, read from its text: every import counts, also those inside functions."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from tests.conftest import REPOSITORY

# Who loads the modules of its package by name.
REGISTRIES = {
    "fieldguide/answering/answerers/registry.py": "fieldguide/answering/answerers",
    "fieldguide/models/captioners/registry.py": "fieldguide/models/captioners",
    "fieldguide/models/encoders/registry.py": "fieldguide/models/encoders",
    "fieldguide/models/generators/registry.py": "fieldguide/models/generators",
    "fieldguide/retrieval/systems/registry.py": "fieldguide/retrieval/systems/kinds",
}


def module_file(module: str) -> Path | None:
    """The file of a module of the project, relative to its root; None for any other module."""
    if module.partition(".")[0] not in ("fieldguide", "flows"):
        return None
    path = Path(*module.split("."))
    return next((c for c in (path.with_suffix(".py"), path / "__init__.py") if (REPOSITORY / c).is_file()), None)


@cache
def imported(file: Path) -> frozenset[Path]:
    """Files of the project that a file imports."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if module_file(name) else node.module for name in names]
        else:
            continue
        found |= {path for name in names if (path := module_file(name)) is not None}
    return frozenset(found - {file})


def reached(start: Path, ignored: tuple[str, ...] = ()) -> set[Path]:
    """Everything that a file imports, and what that imports; `ignored` begin the paths that are not followed."""
    todo, seen = [start], set[Path]()
    while todo:
        file = todo.pop()
        if file in seen or file.as_posix().startswith(ignored):
            continue
        seen.add(file)
        todo.extend(imported(file))
        if package := REGISTRIES.get(file.as_posix()):
            todo.extend(path.relative_to(REPOSITORY) for path in (REPOSITORY / package).glob("*.py"))
    return seen
