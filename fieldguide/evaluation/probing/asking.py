"""Asking systems the unchanged and the changed questions."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.evaluation.measures.parsing import parse_measures
from fieldguide.evaluation.measures.scoring import RunScorer
from fieldguide.evaluation.probing.probes import Reaction, ranked, reaction
from fieldguide.evaluation.probing.section import Probe
from fieldguide.evaluation.probing.world import UNCHANGED, ProbePaths
from fieldguide.records.judgments import QRELS
from fieldguide.records.runs import RUN_COLUMNS
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.run import run_system
from fieldguide.retrieval.systems.sections.systems import System


def ask(
    probe: Probe,
    measure: str,
    systems: Mapping[str, System],
    paths: Paths,
    worlds: Mapping[str, ProbePaths],
    track: Track = silent,
) -> list[Reaction]:
    """Run every probed system in every world over the whole gallery, and compare with the unchanged one.

    Args:
        probe: which systems are probed, how deep, and what counts as the same ranking.
        measure: what changed and unchanged questions are scored by.
        systems: sections of all systems by name.
        paths: the benchmark, for its judgments.
        worlds: what `write_worlds` wrote.
        track: shows progress.

    Raises:
        FieldguideError: vectors or judgments are missing.
    """
    scorer = RunScorer(parse_measures([measure]), QRELS.read(paths.qrels / "qrels.parquet")) if probe.systems else None
    found = []
    for system in track(probe.systems, "probing", unit="systems", total=len(probe.systems)):
        runs = {change: _run(system, systems[system], world, probe.depth) for change, world in worlds.items()}
        rankings = {change: ranked(run) for change, run in runs.items()}
        scores = {
            change: {s.subtopic_id: s.value for s in scorer.score(run)} if scorer else {}
            for change, run in runs.items()
        }
        for change in worlds:
            compared = (rankings[UNCHANGED], rankings[change]), (scores[UNCHANGED], scores[change])
            if change != UNCHANGED and (reacted := reaction(system, change, *compared, probe.same)):
                found.append(reacted)
    return found


def _run(system: str, section: System, world: ProbePaths, depth: int) -> pd.DataFrame:
    lines = run_system(system, section, SearchCollection(world), depth=depth)
    rows = [(x.subtopic_id, x.image_id, x.rank, x.score, x.system) for x in lines]
    return pd.DataFrame(rows, columns=list(RUN_COLUMNS))
