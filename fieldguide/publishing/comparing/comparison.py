"""Two releases held against each other, as one record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fieldguide.core.grouping import grouped
from fieldguide.publishing.comparing.changes import GROUPS, Change, changes
from fieldguide.publishing.comparing.effects import QueryEffect, SystemEffect, moved, query_effects, system_effects
from fieldguide.publishing.comparing.state import ReleaseState
from fieldguide.publishing.comparing.versions import VersionVerdict, verdict


@dataclass(frozen=True)
class MovedQuery:
    """A query whose score changed on the whole gallery, with means over the systems that rank it in both releases.

    Attributes:
        text: the query in words, as it is now.
        systems: how many score it otherwise, `of` how many.
        change: mean of new - old = images + labels + ranking.
        most: the system with the greatest change, which is `by`.
        labels_changed: labels of this query that are others.
        reasons: why it is ranked otherwise, the most frequent first.
    """

    subtopic_id: str
    kind: str
    text: str
    systems: int
    of: int
    change: float
    images: float
    labels: float
    ranking: float
    most: str
    by: float
    labels_changed: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class ReleaseComparison:
    """What changed between two releases, and what that does.

    Attributes:
        old, new: as they were named.
        measure: by which effects are told: the headline of the new one.
        queries: those that moved, the greatest change of a mean first.
    """

    old: str
    new: str
    version_old: str
    version_new: str
    measure: str
    verdict: VersionVerdict
    changes: tuple[Change, ...]
    systems: tuple[SystemEffect, ...]
    queries: tuple[MovedQuery, ...]

    @property
    def counts(self) -> dict[str, Counter[str]]:
        """How many things were added, removed and changed, by group; groups without a change are left out."""
        found = grouped((change.group, change.what) for change in self.changes)
        return {group: Counter(found[group]) for group in GROUPS if group in found}


def compare_releases(old: ReleaseState, new: ReleaseState) -> ReleaseComparison:
    """Compare them; the same two give the same record.

    Raises:
        ProblemsError: files of one of them are missing, or not those of its SHA256SUMS.
        FieldguideError: a file of one of them cannot be read.
    """
    for state in (old, new):
        state.require_whole()
    found = changes(old, new)
    effects = query_effects(old, new)
    return ReleaseComparison(
        old.called,
        new.called,
        old.version,
        new.version,
        new.params.evaluate.headline,
        verdict(old.version, new.version, found),
        tuple(found),
        tuple(system_effects(old, new, effects)),
        tuple(_queries(new, effects, found)),
    )


def _queries(new: ReleaseState, effects: Sequence[QueryEffect], found: Sequence[Change]) -> list[MovedQuery]:
    relabelled = Counter(change.key.split(" ")[0] for change in found if change.group == "labels")
    everywhere = grouped((effect.subtopic_id, effect) for effect in effects if effect.track == "fullrank")
    rows = [
        _query(new, of, relabelled[subtopic])
        for subtopic, of in sorted(everywhere.items())
        if any(True for _ in moved(of))
    ]
    return sorted(rows, key=lambda row: (-abs(row.change), -abs(row.by), row.subtopic_id))


def _query(new: ReleaseState, effects: list[QueryEffect], relabelled: int) -> MovedQuery:
    first, count = effects[0], len(effects)
    most = max(effects, key=lambda effect: abs(effect.new - effect.old))
    reasons = Counter(effect.reason for effect in effects if effect.reason)
    return MovedQuery(
        subtopic_id=first.subtopic_id,
        kind=first.kind,
        text=str(new.queries[first.subtopic_id].get("text", "")),
        systems=sum(1 for _ in moved(effects)),
        of=count,
        change=sum(effect.new - effect.old for effect in effects) / count,
        images=sum(effect.images for effect in effects) / count,
        labels=sum(effect.labels for effect in effects) / count,
        ranking=sum(effect.ranking for effect in effects) / count,
        most=most.system,
        by=most.new - most.old,
        labels_changed=relabelled,
        reasons=tuple(reason for reason, _ in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))),
    )
