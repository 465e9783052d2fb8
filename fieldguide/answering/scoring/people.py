"""Answers put before people: a sample for Label Studio, and what their verdicts say of the rules and judges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fieldguide.answering.figures.accuracy import rounded
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import atomic_open, content_key, read_json, write_json
from fieldguide.evaluation.statistics.clusters import Floats
from fieldguide.records.topics import Topic

RIGHT, WRONG, UNSURE = "right", "wrong", "cannot tell"
TASKS, CONFIG = "tasks.json", "label_config.xml"
_DRAWS = 2000
_LEAST = 10
_SCORED = ("correct", "wrong", "abstained", "unparseable")


@dataclass(frozen=True)
class PeopleFigures:
    """What people's verdicts say of how one answerer's answers were scored.

    Attributes:
        judged: answers of the sample that people decided; `unsure`: on which they were divided, or could not tell.
        agreement: share on which rules or judges say the same, right or not.
        kappa: Cohen's, with its interval (bootstrap over topics); None where one side never varies.
        accuracy: as scored, over all answers; `corrected` by the sample, with its interval; None where people decided
            fewer than ten texts: their spread says nothing then.
    """

    answerer: str
    answers: int
    judged: int
    unsure: int
    agreement: float | None
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None
    accuracy: float
    corrected: float | None
    corrected_low: float | None
    corrected_high: float | None


def sample(answers: pd.DataFrame, topics: Sequence[Topic], size: int, seed: int) -> list[dict[str, Any]]:
    """Tasks of Label Studio: `size` scored answers, each different text to a topic once, in an order of the seed's.

    An answerer that says the same in many contexts is not judged many times for it; what people say of a text holds
    wherever it was said.
    """
    by_id = {topic.topic_id: topic for topic in topics}
    texts: dict[str, dict[str, Any]] = {}
    for topic_id, reply in _scored(answers)[["topic_id", "reply"]].itertuples(index=False, name=None):
        key, topic = text_key(topic_id, reply), by_id[topic_id]
        data = {"key": key, "topic_id": topic_id, "question": topic.text, "reference": topic.answer, "answer": reply}
        texts.setdefault(key, {"data": data})
    return [texts[key] for key in sorted(texts, key=lambda key: content_key(seed=seed, key=key))[:size]]


def write_sample(folder: Path, tasks: Sequence[Mapping[str, Any]]) -> None:
    """Write tasks.json, to be imported into a project of Label Studio, and its label_config.xml."""
    if folder.exists() and not folder.is_dir():
        raise FieldguideError(f"{folder}: is a file; name a folder, which is made if need be")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / TASKS, list(tasks))
    with atomic_open(folder / CONFIG) as stream:
        stream.write(label_config())


def label_config() -> str:
    """The form. Nobody sees what the rules or judges said: it would be repeated."""
    return f"""<View>
  <Header value="Is this answer right?"/>
  <Header value="$question" size="4"/>
  <Text name="reference" value="Reference answer: $reference"/>
  <Text name="answer" value="$answer"/>
  <Choices name="verdict" toName="answer" choice="single-radio" required="true">
    <Choice value="{RIGHT}"/><Choice value="{WRONG}"/><Choice value="{UNSURE}"/>
  </Choices>
</View>
"""


def read_verdicts(path: Path) -> dict[str, list[str]]:
    """People's verdicts by text, from Label Studio's export `JSON`.

    Raises:
        ProblemsError: every task that is none of ours, or has no readable annotation.
    """
    tasks = read_json(path)
    if not isinstance(tasks, list):
        raise FieldguideError(f"{path}: expected the list that Label Studio exports as JSON")
    found: dict[str, list[str]] = {}
    problems = []
    for number, task in enumerate(tasks, 1):
        where = f"{path}: task {number}"
        try:
            key = task["data"]["key"]
            choices = [_choice(annotation) for annotation in task["annotations"] if not annotation.get("was_cancelled")]
        except (KeyError, TypeError, IndexError, AttributeError):
            problems.append(Problem(where, "holds no key or no verdict; export the project as JSON"))
            continue
        if not isinstance(key, str) or set(choices) - {RIGHT, WRONG, UNSURE}:
            problems.append(Problem(where, f"verdicts are {RIGHT}, {WRONG} or {UNSURE}; found {', '.join(choices)}"))
        else:
            found.setdefault(key, []).extend(choices)
    if problems:
        raise ProblemsError(f"{path} holds no verdicts of people:", problems)
    return found


def people_figures(
    answers: pd.DataFrame, verdicts: Mapping[str, Sequence[str]], confidence: float, seed: int
) -> list[PeopleFigures]:
    """A row an answerer of whom people judged anything.

    The corrected accuracy is the mean score of all answers plus the mean of (people's verdict less the score) over the
    sample: prediction-powered inference (Angelopoulos et al., Science 382, 2023), whose variance is that of both means.

    Args:
        answers: records.ANSWERS.
        verdicts: as `read_verdicts`.
        confidence: of the intervals.
        seed: of the bootstrap.

    Raises:
        FieldguideError: none of these texts is among the answers.
    """
    scored = _scored(answers)
    keys = [text_key(topic, reply) for topic, reply in scored[["topic_id", "reply"]].itertuples(index=False, name=None)]
    decided = pd.Series([_decided(verdicts.get(key, ())) for key in keys], index=scored.index, dtype=object)
    scored = scored.assign(key=keys, decided=decided)
    if not scored["decided"].notna().any():
        raise FieldguideError("people judged none of these answers; was the sample drawn from other ones?")
    return [
        _figures(str(name), own, confidence, seed)
        for name, own in scored.groupby("answerer", sort=False)
        if own["decided"].notna().any()
    ]


def text_key(topic_id: str, reply: str) -> str:
    """Names what a topic was answered with."""
    return content_key(topic=topic_id, reply=reply)[:16]


def _scored(answers: pd.DataFrame) -> pd.DataFrame:
    return answers[answers["outcome"].isin(_SCORED) & answers["reply"].notna()]


def _choice(annotation: Mapping[str, Any]) -> str:
    return str(annotation["result"][0]["value"]["choices"][0])


def _decided(said: Sequence[str]) -> str | None:
    """The majority's verdict; UNSURE for a tie; None where nobody judged."""
    if not said:
        return None
    (first, most), *rest = Counter(said).most_common()
    return UNSURE if rest and rest[0][1] == most else first


def _figures(name: str, own: pd.DataFrame, confidence: float, seed: int) -> PeopleFigures:
    score: Floats = np.asarray(own["score"], dtype=np.float64)
    once = own.drop_duplicates("key")
    told = once[once["decided"].isin([RIGHT, WRONG])]
    people: Floats = np.asarray(told["decided"] == RIGHT, dtype=np.float64)
    ours: Floats = np.asarray(told["outcome"] == "correct", dtype=np.float64)
    kappa = _kappa(people, ours)
    ends = _bootstrap(people, ours, list(told["topic_id"]), confidence, seed) if kappa is not None else None
    times = own["key"].value_counts()
    weights: Floats = np.asarray(told["key"].map(times), dtype=np.float64)
    missed: Floats = people - np.asarray(told["score"], dtype=np.float64)
    corrected = _corrected(score, missed, weights, confidence) if len(told) >= _LEAST else None
    low, high = ends or (None, None)
    middle, least, most = corrected or (None, None, None)
    return PeopleFigures(
        answerer=name,
        answers=len(own),
        judged=len(told),
        unsure=int((once["decided"] == UNSURE).sum()),
        agreement=_short((people == ours).mean()) if len(told) else None,
        kappa=_short(kappa),
        kappa_low=_short(low),
        kappa_high=_short(high),
        accuracy=rounded(score.mean()),
        corrected=_short(middle),
        corrected_low=_short(least),
        corrected_high=_short(most),
    )


def _short(value: float | None) -> float | None:
    return None if value is None else rounded(value)


def _kappa(people: Floats, ours: Floats) -> float | None:
    """Cohen's kappa; None where one side never varies: no agreement beyond chance could show."""
    if not len(people) or people.min() == people.max() or ours.min() == ours.max():
        return None
    chance = people.mean() * ours.mean() + (1 - people.mean()) * (1 - ours.mean())
    return float(((people == ours).mean() - chance) / (1 - chance))


def _bootstrap(
    people: Floats, ours: Floats, topics: Sequence[str], confidence: float, seed: int
) -> tuple[float, float] | None:
    """Percentiles of kappa over resamples of whole topics; None where it is undefined in more than one of twenty."""
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(np.asarray(topics) == topic) for topic in dict.fromkeys(topics)]
    drawn = []
    for _ in range(_DRAWS):
        chosen = np.concatenate([rows[n] for n in rng.integers(0, len(rows), len(rows))])
        kappa = _kappa(people[chosen], ours[chosen])
        drawn += [] if kappa is None else [kappa]
    if len(drawn) < 0.95 * _DRAWS:
        return None
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _corrected(score: Floats, missed: Floats, weights: Floats, confidence: float) -> tuple[float, float, float]:
    """(corrected accuracy, low, high), within 0 and 1.

    `missed` is people's verdict less the score of each text of the sample, `weights` how many answers have that text.
    Answers count as independent.
    """
    from scipy.special import ndtri

    mean = float((weights * missed).sum() / weights.sum())
    rest = weights * (missed - mean) / weights.mean()
    spread = float(np.sqrt(score.var(ddof=1) / len(score) + (rest**2).sum() / (len(rest) - 1) / len(rest)))
    value, half = float(score.mean()) + mean, float(ndtri((1 + confidence) / 2)) * spread
    low, middle, high = (float(np.clip(end, 0.0, 1.0)) for end in (value - half, value, value + half))
    return middle, low, high
