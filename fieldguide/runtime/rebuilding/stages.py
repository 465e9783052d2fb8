"""Two dvc.lock held against each other: where outputs begin to differ, and what differs before them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal

from fieldguide.core.errors import FieldguideError
from fieldguide.core.yaml_files import parse_yaml
from fieldguide.publishing.comparing.changes import differing_keys

Lock = Mapping[str, Mapping[str, Any]]
"""Stages of a dvc.lock by name."""

Kind = Literal["code", "parameters", "input", "command", "stage", "environment"]
_CODE = ("fieldguide", "flows")
_SHOWN = 12


@dataclass(frozen=True)
class Cause:
    """Why a stage's outputs may differ where those of the stages before it do not.

    Attributes:
        kind: code, parameters, an input that no stage makes, the command, a stage that one of the two lacks; or the
            environment, if none of these.
        what: path, dotted key or stage, with both values where they are short.
    """

    kind: Kind
    what: str


@dataclass(frozen=True)
class StageDifference:
    """A stage that is not the same in both.

    Attributes:
        outputs: those whose bytes differ; none if what changed did not change them.
        causes: of its own.
        follows: outputs of stages before it that differ.
        first: nothing before it differs: its causes explain what differs.
    """

    stage: str
    outputs: tuple[str, ...]
    causes: tuple[Cause, ...]
    follows: tuple[str, ...]

    @property
    def first(self) -> bool:
        """Whether nothing before it differs."""
        return bool(self.outputs) and not self.follows


def read_lock(text: str, where: str) -> Lock:
    """The stages of a dvc.lock.

    Raises:
        FieldguideError: it is none.
    """
    values = parse_yaml(text, where)
    stages = values.get("stages") if isinstance(values, dict) else None
    if not isinstance(stages, dict):
        raise FieldguideError(f"{where}: is no dvc.lock; it has no `stages`")
    odd = next((name for name, stage in stages.items() if not _is_stage(stage)), None)
    if odd is not None:
        raise FieldguideError(f"{where}: is no dvc.lock; stage {odd!r} is not such as DVC writes it")
    return stages


def _is_stage(stage: Any) -> bool:
    if not isinstance(stage, dict) or not isinstance(stage.get("params", {}), dict):
        return False
    lists = [stage.get(part, []) for part in ("deps", "outs")]
    return all(
        isinstance(entry, dict) for entries in lists for entry in (entries if isinstance(entries, list) else [0])
    )


def stage_differences(published: Lock, here: Lock) -> list[StageDifference]:
    """Stages that differ, in the order in which they run."""
    return [found for name in _order({**published, **here}) if (found := _difference(name, published, here))]


def only_bytes(found: Sequence[StageDifference]) -> bool:
    """Whether nothing but bytes of outputs differs: the two locks are of one state of code, parameters and inputs."""
    return all(cause.kind == "environment" for one in found for cause in one.causes)


def _difference(name: str, published: Lock, here: Lock) -> StageDifference | None:
    if name not in published or name not in here:
        where = "here alone" if name in here else "in what was published alone"
        alone = tuple(_hashes((here.get(name) or published[name]), "outs"))
        return StageDifference(name, alone, (Cause("stage", f"{name} is {where}"),), ())
    old, new = published[name], here[name]
    deps, outs = _changed(old, new, "deps"), _changed(old, new, "outs")
    made = {path for lock in (published, here) for stage in lock.values() for path in _hashes(stage, "outs")}
    follows = tuple(path for path in deps if _made(path, made))
    causes = [*_causes(old, new), *(_cause(path) for path in deps if path not in follows)]
    if outs and not causes and not follows:
        causes = [Cause("environment", "code, parameters and inputs are the same")]
    return StageDifference(name, tuple(outs), tuple(causes), follows) if outs or causes or follows else None


def _causes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Cause]:
    if old.get("cmd") != new.get("cmd"):
        yield Cause("command", f"{old.get('cmd')} -> {new.get('cmd')}")
    found = list(differing_keys(old.get("params", {}), new.get("params", {})))
    for key, was, now in found[:_SHOWN]:
        yield Cause("parameters", f"{key.removeprefix('params.yaml.')} {_short(was)} -> {_short(now)}")
    if len(found) > _SHOWN:
        yield Cause("parameters", f"and {len(found) - _SHOWN} more")


def _cause(path: str) -> Cause:
    if path == "params.yaml":  # of stages that read all of it
        return Cause("parameters", "params.yaml is another")
    return Cause("code" if path.partition("/")[0] in _CODE else "input", path)


def _hashes(stage: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Hash by path of what a stage reads (`deps`) or writes (`outs`)."""
    return {str(entry.get("path")): entry.get("md5") or entry.get("etag") for entry in stage.get(part) or ()}


def _changed(old: Mapping[str, Any], new: Mapping[str, Any], part: str) -> list[str]:
    one, other = _hashes(old, part), _hashes(new, part)
    return [path for path in sorted({*one, *other}) if one.get(path) != other.get(path)]


def _made(path: str, made: set[str]) -> bool:
    """Whether a stage makes it, something in it, or the folder that it lies in."""
    return any(path == out or path.startswith(f"{out}/") or out.startswith(f"{path}/") for out in made)


def _order(lock: Lock) -> list[str]:
    """Stages, each after those whose outputs it reads; else in the order of the file."""
    outs = {name: set(_hashes(stage, "outs")) for name, stage in lock.items()}
    before = {
        name: [other for other, made in outs.items() if other != name and any(_made(d, made) for d in deps)]
        for name, deps in ((name, _hashes(stage, "deps")) for name, stage in lock.items())
    }
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError:  # DVC refuses a circle; two locks with stages of one name may make one
        return list(lock)


def _short(text: str, length: int = 80) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
