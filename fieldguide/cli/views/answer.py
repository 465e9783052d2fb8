"""What `fieldguide answer` prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from fieldguide.core.errors import ProblemsError
from fieldguide.core.section import problems_of
from fieldguide.core.yaml_files import read_yaml
from fieldguide.runtime.tables import show

if TYPE_CHECKING:
    from fieldguide.answering.external import ScoredAnswers
    from fieldguide.answering.scoring.judging import Judges

_SHOWN = 10
PEOPLE_COLUMNS = (
    "answerer", "answers", "judged", "unsure", "agreement", "kappa", "kappa_low", "kappa_high", "accuracy",
    "corrected", "corrected_low", "corrected_high",
)  # fmt: skip


def read_judges(path: Path) -> Judges:
    """The judges that a file names; their calls are kept in the working folder.

    Raises:
        ProblemsError: every key that is not valid.
    """
    from fieldguide.answering.scoring.judging import Judges
    from fieldguide.answering.section import JudgeModels

    try:
        section = JudgeModels.model_validate(read_yaml(path))
    except ValidationError as error:
        raise ProblemsError(f"{path} names no judges:", problems_of(error, f"{path}: judge")) from None
    return Judges(section, Path())


def show_scored(found: ScoredAnswers) -> None:
    """Accuracy, outcomes, and accuracy by form."""
    if found.accuracy is None:
        print(f"{found.benchmark}: none of these answers can be scored without judges (--judge)")
    else:
        print(f"{found.benchmark}: accuracy {found.accuracy:.3f} ({found.low:.3f} to {found.high:.3f})")
    print(", ".join(f"{count} {name}" for name, count in found.outcomes.items()))
    if found.missing:
        print(f"no answer to {len(found.missing)} topics, which count as not right: {_some(found.missing)}")
    if found.unscored:
        print(f"not scored, and counted nowhere: {_some(found.unscored)}")
        for reason in dict.fromkeys(row["reason"] for row in found.rows if row["outcome"] == "unscored"):
            print(f"  {reason}")
    if found.by_form:
        show(found.by_form, ("form", "topics", "accuracy", "most frequent answer"))


def _some(names: tuple[str, ...]) -> str:
    more = f", ... and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
