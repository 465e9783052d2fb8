"""What a section cannot tell of itself: measures that nothing computes, templates with placeholders that are none.

Told before anything runs, by `doctor` and at the start of a build, and not each time that params.yaml is read: it
takes the libraries that compute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.params.document import Params


def unusable(params: Params) -> Iterator[Problem]:
    """Everything that would stop a stage when its turn comes."""
    for ask in _questions(params):
        try:
            ask()
        except ProblemsError as error:
            yield from error.problems
        except FieldguideError as error:
            yield Problem("params.yaml", str(error))


def _questions(params: Params) -> Iterator[Callable[[], object]]:
    from fieldguide.evaluation.fitness.arrays import array_measure
    from fieldguide.evaluation.measures.parsing import parse_measures
    from fieldguide.queries.rewriting.rewriting import check_template
    from fieldguide.queries.visuals.captioning import recomposing

    yield lambda: parse_measures(params.evaluate.measures)
    yield lambda: array_measure(params.fitness.measure or params.evaluate.headline)
    yield lambda: check_template(params.rewrite.template)
    for number, template in enumerate(params.rewrite.expansions):
        yield lambda template=template, number=number: check_template(template, f"expansions.{number}")  # type: ignore[misc]
    yield lambda: recomposing.check_template(params.recompose.template)
