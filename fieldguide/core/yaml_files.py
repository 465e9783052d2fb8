"""YAML that people write: every mistake with its line, and no key twice, of which YAML would silently keep the last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import read_text


class _Loader(yaml.SafeLoader):
    """Notes keys that a mapping has twice."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.twice: list[tuple[int, str]] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                first = seen.setdefault(key.value, key.start_mark.line)
                if first != key.start_mark.line:
                    self.twice.append((key.start_mark.line + 1, f"{key.value!r} is there already, at line {first + 1}"))
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        FieldguideError: no such file, not UTF-8, or not YAML; names the line.
        ProblemsError: every key that stands twice in one mapping.
    """
    return parse_yaml(read_text(path), str(path))


def parse_yaml(text: str, where: str) -> Any:
    """As `read_yaml`, of a text; `where` is what it is called in messages."""
    loader = None
    try:
        loader = _Loader(text)
        value = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{where}:{mark.line + 1}" if mark else where
        raise FieldguideError(f"{place}: not valid YAML: {error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise FieldguideError(f"{where}:{line}: not valid YAML: holds the character {error.character!r}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a number of thousands of digits
        what = "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise FieldguideError(f"{where}: not valid YAML: {what[:200]}") from None
    finally:
        if loader is not None:
            loader.dispose()
    if loader.twice:
        problems = [Problem(f"{where}:{line}", what) for line, what in loader.twice]
        raise ProblemsError(f"{where} has keys that stand twice; remove one of each:", problems)
    return value
