"""Asking systems the unchanged and the changed questions."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.evaluation.measures.parsing import parse_measures
from fieldguide.evaluation.measures.scoring import Scorer
from fieldguide.evaluation.probing.probes import Reaction, ranked, reaction
from fieldguide.evaluation.probing.world import UNCHANGED, ProbePlaces
from fieldguide.params import Params
from fieldguide.records.judgments import QRELS
from fieldguide.records.runs import RUN_COLUMNS
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.run import run_system


def ask(params: Params, paths: Paths, worlds: Mapping[str, ProbePlaces], track: Track = silent) -> list[Reaction]:
    """Run every probed system in every world over the whole gallery, and compare with the unchanged one.

    Raises:
        FieldguideError: vectors or judgments are missing.
    """
    spec, measures = params.probe, parse_measures([params.evaluate.headline])
    scorer = Scorer(measures, QRELS.read(paths.qrels / "qrels.parquet")) if spec.systems else None
    found = []
    for system in track(spec.systems, "probing", unit="systems", total=len(spec.systems)):
        runs = {probe: _run(system, params, world) for probe, world in worlds.items()}
        rankings = {probe: ranked(run) for probe, run in runs.items()}
        scores = {
            probe: {s.subtopic_id: s.value for s in scorer.score(run)} if scorer else {} for probe, run in runs.items()
        }
        for probe in worlds:
            compared = (rankings[UNCHANGED], rankings[probe]), (scores[UNCHANGED], scores[probe])
            if probe != UNCHANGED and (reacted := reaction(system, probe, *compared, spec.same)):
                found.append(reacted)
    return found


def _run(system: str, params: Params, world: ProbePlaces) -> pd.DataFrame:
    lines = run_system(system, params.system(system), SearchCollection(world), depth=params.probe.depth)
    rows = [(x.subtopic_id, x.image_id, x.rank, x.score, x.system) for x in lines]
    return pd.DataFrame(rows, columns=list(RUN_COLUMNS))
