"""Installing the annotation server: once a set of pins, never half."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fieldguide.annotation.label_studio import installing
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The virtual environments made, by an installer that only makes the files."""
    made: list[Path] = []

    def install(venv: Path) -> None:
        made.append(venv)
        (venv / "bin").mkdir(parents=True, exist_ok=True)
        for name in ("python", "label-studio"):
            (venv / "bin" / name).touch()

    monkeypatch.setattr(installing, "_install", install)
    monkeypatch.setattr(installing, "CONSTRAINTS", tmp_path / "constraints.txt")
    installing.CONSTRAINTS.write_text("label-studio==1.23.2\n")
    return made


def test_it_is_installed_once_and_anew_when_the_pins_change(tmp_path: Path, made: list[Path]) -> None:
    said: list[str] = []
    for _ in range(2):
        program = installing.label_studio(Paths(tmp_path), said.append, {})
    assert program == tmp_path / ".fieldguide" / "label-studio" / "bin" / "label-studio"
    assert len(made) == len(said) == 1
    installing.CONSTRAINTS.write_text("label-studio==1.23.3\n")
    installing.label_studio(Paths(tmp_path), said.append, {})
    assert len(made) == 2


def test_one_that_was_cut_off_or_lost_its_interpreter_is_made_again(tmp_path: Path, made: list[Path]) -> None:
    venv = tmp_path / "venv"
    installing.installed(venv, print)
    (venv / ".installed").unlink()
    installing.installed(venv, print)
    (venv / "bin" / "python").unlink()
    installing.installed(venv, print)
    assert len(made) == 3


def test_a_given_program_is_used_and_nothing_installed(tmp_path: Path, made: list[Path]) -> None:
    given = {installing.EXECUTABLE: sys.executable}
    assert installing.label_studio(Paths(tmp_path), print, given) == Path(sys.executable)
    assert made == []


@pytest.mark.parametrize("name", ["missing", "folder", "plain"])
def test_a_given_program_that_is_none_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain").touch()
    given = {installing.EXECUTABLE: str(tmp_path / name)}
    with pytest.raises(
        FieldguideError, match=rf"FIELDGUIDE_LABEL_STUDIO: .*{name} is no program; .*unset it to install"
    ):
        installing.label_studio(Paths(tmp_path), print, given)


def test_pips_own_words_are_told() -> None:
    with pytest.raises(FieldguideError, match=r"could not be installed; `-c .*` said:\n  no such package"):
        installing._run([sys.executable, "-c", "import sys; sys.exit('no such package')"])
