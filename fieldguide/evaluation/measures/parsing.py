"""Measures by the text that ir-measures writes: the text is a measure's identity everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.evaluation.measures.provider import GREATEST_GRADE, provider

if TYPE_CHECKING:
    from ir_measures import Measure

JUDGED = "Judged@10"
"""Share of the ten best images that are judged: what is not judged counts as not relevant in every other measure."""

_EXAMPLES = "nDCG@10, P@10, R@30, hit@10, AP, RR, Rprec, Bpref, Judged@10, both_entities@10"
_LONGEST = 200
"""Characters of a measure's text; the parser underneath may exhaust memory on what is no measure."""


def parse_measures(texts: Sequence[str], where: str = "params.yaml: evaluate.measures") -> list[Measure]:
    """Measures from their texts, in the same order.

    Raises:
        ProblemsError: texts that are no measure, that nothing installed computes, that ir-measures writes
            in another way, or that occur twice; all of them.
    """
    compute = provider()
    measures, problems = [], []
    for index, text in enumerate(texts):
        try:
            measures.append(_parse(text, compute))
        except _MeasureError as error:
            problems.append(Problem(f"{where}.{index}", f"{text!r} {error}"))
    problems += [
        Problem(f"{where}.{index}", f"{text!r} occurs twice")
        for index, text in enumerate(texts)
        if text in texts[:index]
    ]
    if problems:
        raise ProblemsError("measures that cannot be computed:", problems)
    return measures


class _MeasureError(Exception):
    """What is wrong with a measure's text."""


def _parse(text: str, compute: Any) -> Measure:
    import ir_measures

    if len(text) > _LONGEST:
        raise _MeasureError(f"has {len(text)} characters; a measure has at most {_LONGEST}")
    try:
        measure = ir_measures.parse_measure(text)
        measure.validate_params()
        supported = compute.supports(measure)
    except NameError:
        names = ", ".join(sorted({m.NAME for p in compute.providers for m in p.SUPPORTED_MEASURES}))
        raise _MeasureError(f"is no measure; there are {names}; for example {_EXAMPLES}") from None
    except (ValueError, TypeError, AssertionError, KeyError) as error:
        raise _MeasureError(f"is not written as a measure ({error}); for example {_EXAMPLES}") from None
    _check_numbers(measure)
    if not supported:
        raise _MeasureError(f"is nothing that is computed here; {_like(measure, compute)}")
    if not isinstance(measure.aggregator(), ir_measures.measures.base.MeanAgg):
        raise _MeasureError("has no mean over subtopics; it counts the whole run")
    if str(measure) != text:
        raise _MeasureError(f"is written {str(measure)!r}: write it so, it is the column's name everywhere")
    return measure


def _check_numbers(measure: Measure) -> None:
    """Numbers at which trec_eval ends the whole process, would need all memory, or has no one answer."""
    if measure.params.get("recall", 0.0) not in (0.0, 1.0):
        raise _MeasureError(
            "has a recall level that trec_eval 9, which would compute it here, and trec_eval 10 round to different "
            "numbers of relevant images; AP and R@k say the same and are rounded by nobody"
        )
    for name in ("cutoff", "rel"):
        value = measure.params.get(name, 1)
        if type(value) is not int or value < 1:
            raise _MeasureError(f"has {name} {value!r}; expected a whole number from 1")
    for grade, gain in measure.params.get("gains", {}).items():
        if type(grade) is not int or type(gain) is not int or not 0 <= gain <= GREATEST_GRADE:
            raise _MeasureError(
                f"has the gain {gain!r} of grade {grade!r}; expected a whole number of each, "
                f"the gain from 0 to {GREATEST_GRADE}"
            )


def _like(measure: Measure, compute: Any) -> str:
    """What would work in the place of an unsupported measure: the same one with other parameters."""
    same = [m for p in compute.providers for m in p.SUPPORTED_MEASURES if measure.NAME == m.NAME]
    if not same:
        return f"for example {_EXAMPLES}"
    return "of this measure it computes " + " and ".join(f"{m.NAME} with {m.params}" for m in same)
