"""Stage `compose`: questions that compare easily confused entities, and one question an entity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.queries.knowledge.reading import read_knowledge
from fieldguide.queries.topics.composing import compose_subject, entity_topics, subjects
from fieldguide.queries.topics.questions import CandidateQuestion, QuestionSubject
from fieldguide.queries.topics.section import Compose
from fieldguide.queries.topics.selection import select, without_surplus
from fieldguide.queries.wording.nouns import Noun
from fieldguide.records.images import IMAGES
from fieldguide.records.knowledge import ATTRIBUTES, ENTITIES, GROUPS
from fieldguide.records.topics import Refusal, Topic, write_records


@dataclass(frozen=True)
class ComposeSummary:
    """What `compose` wrote, counted.

    `balance`: for each form, how many topics have which answer, and how many name first which entity of
    their group (in the order of entity ids).
    """

    comparisons: int
    entity_topics: int
    groups: int
    groups_left: int
    candidates: int
    balance: dict[str, tuple[dict[str, int], dict[str, int]]]
    features: dict[str, int]
    refused: dict[str, int]

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"{self.comparisons} comparison topics of {self.candidates} possible questions over {self.groups} groups"
            + (f" ({self.groups_left} less confusable groups were not needed)" if self.groups_left else ""),
            *(
                f"  {form:<10} answers: {_counts(answers)};  named first: {_counts(first)}"
                for form, (answers, first) in self.balance.items()
            ),
            f"features: {_counts(self.features)}",
            f"{self.entity_topics} entity topics",
            f"refused: {_counts(self.refused)}",
        ]


def compose(params: Compose, most: float, paths: Paths, track: Track = silent) -> ComposeSummary:
    """Write data/topics/: the topics, sorted by topic_id, and what was refused with its reason.

    The most confusable `max_topics` groups that allow any question are considered; `max_topics` counts
    comparison topics, to which come the entity topics.

    Args:
        params: the section.
        most: share that one answer may take of the topics of a form (check.max_answer_share).
        paths: where the tables are.
        track: progress.

    Raises:
        FieldguideError: a table is missing; no question could be put; the chat endpoint cannot be used.
    """
    entities = ENTITIES.read(paths.entities)
    groups, attributes = GROUPS.read(paths.groups), ATTRIBUTES.read(paths.attributes)
    images = IMAGES.read(paths.images, ["entity_id", "split"])
    called = {row["entity_id"]: [row["name"], *row["aliases"]] for row in entities.to_dict("records")}
    candidates: list[CandidateQuestion] = []
    refused: list[Refusal] = []
    considered = 0
    knowledge = read_knowledge(paths.knowledge)
    nouns = {entity_id: entity.noun for entity_id, entity in knowledge.entities.items()}
    composed = _composed(params, list(subjects(groups, attributes, knowledge.features)), called, nouns, paths)
    for results in track(composed, "composing", unit="groups", total=int(groups["accepted"].sum())):
        found = [item for item in results if isinstance(item, CandidateQuestion)]
        candidates += found
        refused += [item for item in results if isinstance(item, Refusal)]
        considered += bool(found)
        if considered == params.max_topics:
            break
    chosen, surplus = without_surplus(select(candidates, params.max_topics, params.per_group, params.seed), most)
    refused += [_surplus(candidate, most) for candidate in surplus]
    names = {entity: name for entity, (name, *_) in called.items()}
    singles = list(entity_topics(entities, images[images["split"] == "gallery"]["entity_id"].dropna(), nouns))
    refused += [item for item in singles if isinstance(item, Refusal)]
    topics = [candidate.topic(names) for candidate in chosen] + [item for item in singles if isinstance(item, Topic)]
    if not topics:
        raise FieldguideError(
            f"no question could be put; the {len(refused)} reasons: {_counts(Counter(r.reason for r in refused))}"
        )
    write_records(paths.topics, sorted(topics, key=lambda topic: topic.topic_id))
    write_records(paths.refused_topics, refused)
    return _summary(chosen, candidates, refused, len(topics) - len(chosen), int(groups["accepted"].sum()))


def _surplus(candidate: CandidateQuestion, most: float) -> Refusal:
    words = f"its answer, {candidate.answer_class}, would take more than {most:.0%} of the form {candidate.form}"
    return Refusal(candidate.text, "answer-share", f"{words} (check.max_answer_share)")


def _composed(
    params: Compose,
    of_groups: Sequence[list[QuestionSubject]],
    called: Mapping[str, Sequence[str]],
    nouns: Mapping[str, Noun],
    paths: Paths,
) -> Iterator[list[CandidateQuestion | Refusal]]:
    """Questions and refusals, group by group."""
    if params.composer == "chat":
        from fieldguide.models.calls.caller import open_caller
        from fieldguide.queries.topics.chatting import compose_by_chat

        yield from compose_by_chat(params, of_groups, called, open_caller(paths.root))
        return
    for of_group in of_groups:
        yield [item for s in of_group for item in compose_subject(s, params.forms, called, nouns, params.seed)]


def _summary(
    chosen: Sequence[CandidateQuestion],
    candidates: Sequence[CandidateQuestion],
    refused: Sequence[Refusal],
    singles: int,
    accepted: int,
) -> ComposeSummary:
    balance = {}
    for form in sorted({candidate.form for candidate in chosen}):
        of_form = [candidate for candidate in chosen if candidate.form == form]
        balance[form] = (
            _sorted(Counter(candidate.answer_class for candidate in of_form)),
            _sorted(Counter(f"{candidate.first_named + 1}." for candidate in of_form)),
        )
    considered = {candidate.subject.group_id for candidate in candidates}
    return ComposeSummary(
        comparisons=len(chosen),
        entity_topics=singles,
        groups=len({candidate.subject.group_id for candidate in chosen}),
        groups_left=accepted - len(considered),
        candidates=len(candidates),
        balance=balance,
        features=_sorted(Counter(candidate.subject.feature for candidate in chosen)),
        refused=_sorted(Counter(refusal.reason for refusal in refused)),
    )


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
