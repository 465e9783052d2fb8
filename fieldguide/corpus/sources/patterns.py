"""Paths that mean several tars: a folder of them, `*` and `?`, and numbers or words in braces as `{000..099}`."""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.stores import is_own_link
from fieldguide.corpus.sources.candidates import Say, is_leftover, text_of_name
from fieldguide.corpus.sources.section import ImageSource, is_pattern

_TARS = (".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
_BRACES = re.compile(r"\{([^{}]*)\}")
_NUMBERS = re.compile(r"(\d{1,9})\.\.(\d{1,9})")
_MOST = 100_000
"""Files that braces may mean."""
_SHOWN = 12


def is_tar(name: str) -> bool:
    """Whether a file is named like a tar."""
    return name.lower().endswith(_TARS)


def tars_of(source: ImageSource, root: Path, say: Say = lambda _: None) -> list[str]:
    """The tars that a source's path means, relative to `root`, in the order of names; one tar means itself.

    Raises:
        FieldguideError: braces that cannot be read.
        ProblemsError: every tar that is missing, is no file, or lies outside the source's folder; a folder or
            pattern that means none.
    """
    text, path = str(source.path), root / source.path
    if path.is_dir():
        named = _within(source, path, say)
    elif path.exists() or not is_pattern(text):
        return [text]
    else:
        named = _matching(source, root, say)
    problems = list(_no_tars(source, named, root))
    if problems:
        raise ProblemsError(f"source {source.name!r} cannot be read:", problems)
    return named


def prefix_of(source: ImageSource, tar: str) -> str:
    """What goes before the keys of a tar's members: nothing where the path is the tar, else the tar's own name.

    It is the path's form that counts, not how many tars there are: one tar more renames no photograph.
    """
    if tar == str(source.path):
        return ""
    return f"{text_of_name(Path(os.path.relpath(tar, source.place)).as_posix())}/"


def braces(text: str) -> Iterator[str]:
    """`a{0..2}{x,y}` -> a0x, a0y, a1x, ...; as many digits as the first number has.

    Raises:
        FieldguideError: more than can be meant, or neither numbers nor words.
    """
    pieces = _BRACES.split(text)
    choices = [[piece] if n % 2 == 0 else _choices(text, piece) for n, piece in enumerate(pieces)]
    count = math.prod(map(len, choices))
    if count > _MOST:
        raise FieldguideError(f"{text}: means {count:,} files; {_MOST:,} are read at most")
    yield from ("".join(chosen) for chosen in itertools.product(*choices))


def _choices(text: str, inside: str) -> list[str]:
    found = _NUMBERS.fullmatch(inside)
    if found:
        first, last = found.groups()
        if not 0 <= int(last) - int(first) < _MOST:
            raise FieldguideError(f"{text}: {{{inside}}} runs backwards or too far; {{000..099}} are a hundred")
        return [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]
    if "," in inside:
        return inside.split(",")
    raise FieldguideError(f"{text}: {{{inside}}} is neither numbers as {{000..099}} nor words as {{train,val}}")


def _matching(source: ImageSource, root: Path, say: Say) -> list[str]:
    """Files that a pattern means; what braces alone name is there or not."""
    named = set[str]()
    for one in braces(str(source.path)):
        named.update(_globbed(source, one, root) if re.search(r"[*?\[]", one) else [one])
    left = {name for name in named if is_leftover(Path(name).name)}
    _tell(source, "what programs left there, or is hidden, is not read", sorted(left), say)
    return sorted(named - left)


def _globbed(source: ImageSource, pattern: str, root: Path) -> list[str]:
    """Files that a pattern without braces means; the pattern itself where there are none, so that it is told."""
    base = source.place
    try:
        found = [path.relative_to(root / base) for path in (root / base).glob(os.path.relpath(pattern, base))]
    except ValueError as error:
        raise FieldguideError(f"{pattern}: source {source.name!r}: {error}") from None
    return [(base / path).as_posix() for path in found] or [pattern]


def _within(source: ImageSource, folder: Path, say: Say) -> list[str]:
    """Tars in a folder and the folders in it."""
    tars, others = list[str](), list[str]()
    for parent, folders, files in os.walk(folder, onerror=_raise):
        within = source.path / Path(parent).relative_to(folder)
        closed = [name for name in folders if is_leftover(name) or (Path(parent) / name).is_symlink()]
        folders[:] = sorted(set(folders) - set(closed))
        for name in files:
            kept = is_tar(name) and not is_leftover(name)
            (tars if kept else others).append((within / name).as_posix())
        others += [f"{(within / name).as_posix()}/" for name in closed]
    _tell(source, "not named like tars, and not read", sorted(others), say)
    return sorted(tars)


def _raise(error: OSError) -> None:
    raise error


def _tell(source: ImageSource, what: str, names: list[str], say: Say) -> None:
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        say(f"source {source.name}: {what}: {', '.join(names[:_SHOWN])}{more}")


def _no_tars(source: ImageSource, named: list[str], root: Path) -> Iterator[Problem]:
    folder = (root / source.place).resolve()
    if not named:
        yield Problem(str(source.path), f"holds no tar; their names end in {', '.join(_TARS)}")
    for name in named:
        path = root / name
        if not path.is_file():
            yield Problem(name, "is no file" if path.exists() else "no such tar")
        elif not path.resolve().is_relative_to(folder) and not is_own_link(path, root):
            yield Problem(name, f"lies outside {folder.name}/, the source's folder")
