"""Score every run: `python -m flows.evaluate`."""

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.evaluation.section import Evaluate
from fieldguide.retrieval.ranking.section import Retrieve
from fieldguide.runtime import artifacts
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.step import run


@flow
def evaluate(evaluate: Evaluate, retrieve: Retrieve) -> None:
    """Write data/evaluation/ and print the leaderboard."""
    from fieldguide.evaluation.leaderboard.evaluate import evaluate as score
    from fieldguide.evaluation.leaderboard.evaluate import write_evaluation
    from fieldguide.evaluation.leaderboard.table import print_leaderboard

    paths = Paths()
    evaluation = score(evaluate, retrieve.systems, paths, show_progress)
    write_evaluation(paths.evaluation, evaluation)
    print_leaderboard(evaluation.leaderboard, evaluation.comparisons, evaluate)
    artifacts.table("leaderboard", evaluation.leaderboard, f"Systems by {evaluate.headline}.")
    print(f"{len(evaluation.scores)} scores")
    if evaluation.unjudged:
        print(f"without a judgment, so without a score: {len(evaluation.unjudged)} subtopics")
    for (track, system), count in evaluation.empty.items():
        print(f"{track}/{system} has no line for {count} subtopics: they count with the measure's default")


if __name__ == "__main__":
    run(evaluate)
