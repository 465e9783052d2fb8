"""A run scored by what a release withholds: means are said, and nothing that tells of a single topic or image."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import content_key, read_json
from fieldguide.evaluation.external.evaluate import settings
from fieldguide.evaluation.leaderboard.rows import leaderboard
from fieldguide.evaluation.measures.parsing import parse_measures
from fieldguide.evaluation.measures.scoring import RunScorer
from fieldguide.publishing.release.layout import ABOUT, MANIFEST
from fieldguide.publishing.release.private.ledger import LedgerEntry, MeasuredMean, ledger_locked, team_name
from fieldguide.publishing.release.private.sealed import QRELS, SealedPart, read_sealed
from fieldguide.records.release import RELEASE_IMAGES
from fieldguide.records.runs import read_run

COVERED = 0.5
"""Share of the private subtopics that a run must rank: a mean over a few tells of each of them."""
_DIGITS = 2
# Leaderboards are made a track and kind; here there is one.
_BOARD = {"track": "fullrank", "kind": "entity", "system": "run"}


@dataclass(frozen=True)
class PrivateScore:
    """What may be said of a run.

    Attributes:
        release: name and version.
        team, run, missing, means: as `LedgerEntry` has them; `means` is None where nothing was scored yet.
        subtopics, topics: over which means are taken.
        confidence: of the intervals.
        before: it was scored before, and cost no try now.
        tries_left: of the team.
    """

    release: str
    team: str
    run: str
    subtopics: int
    topics: int
    missing: int
    confidence: float
    means: list[MeasuredMean] | None
    before: bool
    tries_left: int


def score_privately(run: Path, private: Path, release: Path, team: str, dry: bool = False) -> PrivateScore:
    """Score a run by the private part of a release, and write down the try.

    Args:
        run: TREC run.
        private: the folder that stage `release` wrote beside the release.
        release: the public folder, which is committed to what is private.
        team: whose try it is.
        dry: say what would happen, and score nothing.

    Raises:
        FieldguideError: the folders do not belong together, or the team has no try left.
        ProblemsError: the run is not valid, or ranks too little for its mean to hide single topics and images.
    """
    sealed, name = read_sealed(private), team_name(team)
    check_commitment(sealed, release)
    frame = _ranked(run, sealed, release)
    key, commitment = _key(frame), sealed.commitment[QRELS]
    with ledger_locked(private) as ledger:
        known = ledger.answer(key, commitment)
        left = sealed.tries - ledger.used(name, commitment)
        if known is None and left < 1:
            raise FieldguideError(
                f"{name}: has had {sealed.tries} runs scored, which are all its tries (release.private.tries); "
                "a run that was scored before is answered again"
            )
        if known is None and not dry:
            missing = len(sealed.subtopics) - frame["subtopic_id"].nunique()
            known = LedgerEntry(name, key, commitment, missing, _means(frame, sealed))
            ledger.add(known)
            return _said(sealed, known, name, before=False, left=left - 1)
    if known is not None:
        return _said(sealed, known, name, before=True, left=left)
    missing = len(sealed.subtopics) - frame["subtopic_id"].nunique()
    return _said(sealed, LedgerEntry(name, key, commitment, missing, []), name, before=False, left=left)


def check_commitment(sealed: SealedPart, release: Path) -> None:
    """Hold a private part against what its release states.

    Raises:
        FieldguideError: the release withholds nothing, or is committed to something else.
    """
    path = release / ABOUT
    about = read_json(path)
    stated = about.get("private") if isinstance(about, dict) else None
    if not isinstance(stated, dict):
        raise FieldguideError(f"{path}: says of nothing that it is private; name the release that withholds it")
    if stated.get("commitment") != sealed.commitment:
        raise FieldguideError(
            f"{path}: is committed to {stated.get('commitment')}; the private part of {sealed.name} {sealed.version} "
            f"has {sealed.commitment}: they do not belong together. Build the release anew, or name the other folder"
        )


def _ranked(path: Path, sealed: SealedPart, release: Path) -> pd.DataFrame:
    """What a run ranks for private subtopics, ordered by subtopic_id and rank."""
    run = read_run(path)
    frame = run[run["subtopic_id"].isin(sealed.subtopics)]
    frame = frame.assign(subtopic_id=frame["subtopic_id"].astype(str), image_id=frame["image_id"].astype(str))
    images = RELEASE_IMAGES.read(release / MANIFEST)
    gallery = set(images["image_id"][images["split"] == "gallery"])
    problems = list(_too_little(path, frame, sealed, gallery))
    if problems:
        raise ProblemsError(f"{path}: is not scored, and costs no try:", problems)
    return frame.reset_index(drop=True)


def _too_little(path: Path, frame: pd.DataFrame, sealed: SealedPart, gallery: set[str]) -> Iterator[Problem]:
    """Why a run is refused. A mean over few subtopics, or of short rankings, tells grades of single images."""
    sizes = frame.groupby("subtopic_id", sort=True).size()
    needed = math.ceil(COVERED * len(sealed.subtopics))
    if len(sizes) < needed:
        what = f"ranks {len(sizes)} of {len(sealed.subtopics)} private subtopics (release.json lists them)"
        yield Problem(str(path), f"{what}; at least {needed} are asked for")
    for image in sorted(set(frame["image_id"]) - gallery):
        yield Problem(str(path), f"ranks {image}, which is no image of the gallery (`split` of {MANIFEST})")
    for subtopic, size in sizes[sizes < sealed.depth].items():
        yield Problem(
            f"{path} {subtopic}", f"ranks {size} images; at least {sealed.depth} of the gallery are asked for"
        )


def _key(frame: pd.DataFrame) -> str:
    """What a run ranks, whatever its scores and its name are."""
    lists = frame.groupby("subtopic_id", sort=True)["image_id"].agg(list)
    return content_key(lists={str(subtopic): images for subtopic, images in lists.items()})


def _means(frame: pd.DataFrame, sealed: SealedPart) -> list[MeasuredMean]:
    """A subtopic without a line counts with the measure's default."""
    entities = {s.subtopic_id: s.entity_id for topic in sealed.topics for s in topic.subtopics}
    scores = RunScorer(parse_measures(sealed.measures), sealed.qrels).score(frame)
    rows = [(s.subtopic_id.rpartition(".")[0], s.subtopic_id, s.measure, s.value, s.defaulted) for s in scores]
    values = pd.DataFrame(rows, columns=["topic_id", "subtopic_id", "measure", "value", "defaulted"]).assign(**_BOARD)
    chosen = settings(sealed.measures).model_copy(update={"confidence": sealed.confidence})
    made = {row["measure"]: row for row in leaderboard(values, chosen, entities)}
    return [
        MeasuredMean(measure, *(round(float(row[name]), _DIGITS) for name in ("mean", "low", "high")))
        for measure, row in made.items()
    ]


def _said(sealed: SealedPart, entry: LedgerEntry, team: str, *, before: bool, left: int) -> PrivateScore:
    judged = sorted({subtopic for subtopic, _ in sealed.grades})
    return PrivateScore(
        release=f"{sealed.name} {sealed.version}",
        team=team,
        run=entry.run,
        subtopics=len(judged),
        topics=len({subtopic.rpartition(".")[0] for subtopic in judged}),
        missing=entry.missing,
        confidence=sealed.confidence,
        means=entry.means or None,
        before=before,
        tries_left=max(left, 0),
    )
