"""Keys of params.yaml that follow from others where they are left out: the one encoder, all systems."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from fieldguide.core.errors import Problem
from fieldguide.retrieval.systems.families import encodes_texts, family_systems
from fieldguide.retrieval.systems.sections.baselines import KNOW_NOTHING

_FILLED = frozenset(
    {("embed", "encoders"), ("mine", "encoder"), ("fidelity", "encoder"), ("retrieve", "systems"), ("pool", "systems"),
     ("evaluate", "baseline"), ("train_cletir", "systems"), ("refine", "systems"), ("report", "title")}
)  # fmt: skip


def filled(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a params file holds, with the keys that follow from others.

    Lists that follow from a mapping are sorted: two files that differ in the order of their keys mean the same.
    What is of a wrong type is left as it is, to be refused.
    """
    made: dict[str, Any] = copy.deepcopy(dict(values))
    encoders, families = made.get("encoders"), made.get("families")
    if not isinstance(encoders, Mapping) or not encoders:
        return made
    embed = made.get("embed", {})
    if isinstance(embed, Mapping) and "encoders" not in embed:  # those of images alone first, to compare photographs by
        _default(made, "embed", "encoders", sorted(encoders, key=lambda name: (encodes_texts(encoders[name]), name)))
    used = _names(made, "embed", "encoders")
    for section in ("mine", "fidelity"):
        _default(made, section, "encoder", used[0] if used else None)
    if isinstance(families, list) and isinstance(made.get("systems", {}), Mapping):
        in_use = {name: encoders[name] for name in used if name in encoders}
        made["systems"] = {**family_systems(families, in_use), **made.get("systems", {})}
    systems = made.get("systems")
    if isinstance(systems, Mapping) and systems:
        _of_systems(made, {name: section for name, section in systems.items() if isinstance(section, Mapping)})
    release = made.get("release")
    if isinstance(release, Mapping):
        _default(made, "report", "title", release.get("name"))
    return made


def follows(place: Sequence[object], values: Mapping[str, Any]) -> bool:
    """Whether a key that is wrong was filled in: what it follows from is wrong, and told."""
    section, key = (str(part) for part in (*place, "", "")[:2])
    own = values.get(section)
    if section not in values:
        return section in {"systems", *(name for name, _ in _FILLED)}
    if section == "systems" and key:
        return not (isinstance(own, Mapping) and key in own)
    return (section, key) in _FILLED and not (isinstance(own, Mapping) and key in own)


def roots(values: Mapping[str, Any]) -> list[Problem]:
    """What no section can tell of itself, and keys that are filled in cannot be valid without."""
    known, used = values.get("encoders"), values.get("embed")
    names = used.get("encoders") if isinstance(used, Mapping) else None
    found = []
    if known == {}:
        found.append(Problem("encoders", "is empty; `fieldguide models` lists usual ones, docs/encoders.md all kinds"))
    if not values.get("families") and not values.get("systems"):
        found.append(Problem("systems", "there is none; name `families`, or systems of your own"))
    if not isinstance(known, Mapping) or not known or not isinstance(names, list):
        return found
    allowed = ", ".join(sorted(map(str, known)))
    return found + [
        Problem(f"embed.encoders.{n}", f"{name!r} is not in encoders; allowed: {allowed}")
        for n, name in enumerate(names)
        if isinstance(name, str) and name not in known
    ]


def unstated(all_keys: Any, stated: Any) -> Any:
    """Of the keys in force those that a params file does not hold."""
    if not isinstance(all_keys, Mapping) or not isinstance(stated, Mapping):
        return None
    found = {}
    for key, value in all_keys.items():
        inner = unstated(value, stated[key]) if key in stated else value
        if key not in stated or inner:
            found[key] = inner
    return found


def _of_systems(made: dict[str, Any], systems: Mapping[str, Mapping[str, Any]]) -> None:
    _default(made, "retrieve", "systems", sorted(systems))
    run = [name for name in _names(made, "retrieve", "systems") if name in systems]
    knowing = [name for name in run if str(systems[name].get("kind")) not in KNOW_NOTHING]
    _default(made, "pool", "systems", knowing or run)
    texts = [name for name in run if systems[name].get("kind") == "text"]
    texts.sort(key=lambda name: systems[name].get("query") != "question")
    _default(made, "evaluate", "baseline", next(iter([*texts, *knowing, *run]), None))
    for stage, kind, key in (("train_cletir", "cletir", "network"), ("refine", "genir", "refined")):
        named = {str(section.get(key)) for section in systems.values() if section.get("kind") == kind}
        _default(made, stage, "systems", sorted(named & set(systems)))


def _default(made: dict[str, Any], section: str, key: str, value: Any) -> None:
    own = made.setdefault(section, {})
    if isinstance(own, dict) and key not in own and value is not None:
        own[key] = value


def _names(made: Mapping[str, Any], section: str, key: str) -> list[str]:
    own = made.get(section)
    found = own.get(key) if isinstance(own, Mapping) else None
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
