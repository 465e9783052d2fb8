"""Where failures come from: drawings that show something else, and systems that do not notice what is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.views.health import Cells, View

_TRACK = "fullrank"
_CAUSES = ("found", "retrieval", "generation", "rewriting", "not drawn", "not told")
_PROBES = {
    "swap": "entities swapped",
    "shuffle": "words shuffled",
    "drop": "feature dropped",
    "relative": "a relative named",
}


def fidelity(benchmark: Benchmark) -> View:
    """What diagnosis.html.j2 shows of fidelity.json and, for placing failures, of the scores; shares in percent."""
    values, params = benchmark.fidelity, benchmark.params
    entities = tuple(
        (e["entity_id"], e["photographs"], e["drawings"], _share(e["accuracy"]), _share(e["ceiling"]), e["taken_for"])
        for e in values["entities"]
    )
    wrong = [p for p in values["phrases"] if p["verdict"] != "faithful"]
    phrases = tuple(dict.fromkeys((p["phrase"], p["drawn"], p["faithful"], p["verdict"]) for p in wrong))
    return {
        "encoder": values["encoder"],
        **{name: _share(values[name]) for name in ("accuracy", "ceiling", "chance")},
        "entities": Cells(
            ("entity", "photographs", "drawings", "named right", "photographs named right", "else taken for"),
            entities,
            frozenset({1, 2, 3, 4}),
        ),
        "phrases": Cells(("phrase", "drawings", "named right", "went wrong in"), phrases, frozenset({1, 2})),
        "placed": _placed(benchmark),
        "measure": params.evaluate.headline,
        "found": params.fidelity.found,
        "left_out": values["left_out"],
    }


def _placed(benchmark: Benchmark) -> Cells:
    """For each system that looks at drawings, how many subtopics were found, and where the others went wrong."""
    params, scores = benchmark.params, benchmark.scores
    verdicts = {p["subtopic_id"]: p["verdict"] for p in benchmark.fidelity["phrases"]}
    names = params.drawing_systems(params.retrieve.systems)
    measured = scores[(scores["track"] == _TRACK) & (scores["measure"] == params.evaluate.headline)]
    rows = []
    for name in names:
        own = measured.loc[measured["system"] == name, ["subtopic_id", "value"]].itertuples(index=False, name=None)
        causes = Counter(cause(value, verdicts.get(key), params.fidelity.found) for key, value in own)
        rows.append((name, *(causes[c] for c in _CAUSES)))
    return Cells(("system", *_CAUSES), tuple(rows), frozenset(range(1, len(_CAUSES) + 1)))


def cause(value: float, verdict: str | None, found: float) -> str:
    """Where a subtopic went wrong for a system: nowhere, in retrieval where its drawings are faithful, or before."""
    if value >= found:
        return "found"
    return {None: "not told", "faithful": "retrieval"}.get(verdict, verdict or "")


def probes(benchmark: Benchmark) -> View | None:
    """What diagnosis.html.j2 shows of probes.json; None where nothing was probed."""
    values = benchmark.probes
    if not values["reactions"]:
        return None
    reactions = {(r["system"], r["probe"]): r for r in values["reactions"]}
    systems, settings = list(values["verdicts"]), values["settings"]
    heads = tuple(_PROBES.values())
    overlaps = tuple(
        (system, *(_overlap(reactions.get((system, probe))) for probe in _PROBES), values["verdicts"][system])
        for system in systems
    )
    scores = tuple((system, *_scores([reactions.get((system, probe)) for probe in _PROBES])) for system in systems)
    numeric = frozenset(range(1, len(heads) + 1))
    return {
        **{name: settings[name] for name in ("measure", "same", "topics")},
        "overlaps": Cells(("system", *heads, "verdict"), overlaps, numeric),
        "scores": Cells(("system", "unchanged", *heads), scores, numeric | {len(heads) + 1}),
        "skipped": Cells(
            ("topic", "change", "why not"),
            tuple((s["topic_id"], _PROBES[s["probe"]], s["reason"]) for s in values["skipped"]),
        ),
    }


def _overlap(reaction: Mapping[str, Any] | None) -> str | None:
    return None if reaction is None else f"{reaction['overlap']:.2f}{'' if reaction['reacts'] else ' (same)'}"


def _scores(reactions: Sequence[Mapping[str, Any] | None]) -> tuple[str | None, ...]:
    """The unchanged questions' measure, then that of each change. Not all questions admit all changes."""
    known = [r for r in reactions if r is not None]
    most = max(known, key=lambda r: r["subtopics"])
    return f"{most['before']:.3f}", *(None if r is None else f"{r['after']:.3f}" for r in reactions)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
