"""Score every run: `python -m flows.evaluate`."""

from fieldguide.runtime.stage import Run, stage


@stage
def evaluate(run: Run) -> None:
    """Write data/evaluation/ and print the leaderboard."""
    from fieldguide.evaluation.leaderboard.evaluate import evaluate as score
    from fieldguide.evaluation.leaderboard.evaluate import write_evaluation
    from fieldguide.evaluation.leaderboard.table import print_leaderboard

    section = run.params.evaluate
    evaluation = score(section, run.params.retrieve.systems, run.paths, run.track)
    write_evaluation(run.paths.evaluation, evaluation)
    print_leaderboard(evaluation.leaderboard, evaluation.comparisons, section)
    print(f"{len(evaluation.scores)} scores")
    if evaluation.unjudged:
        print(f"without a judgment, so without a score: {len(evaluation.unjudged)} subtopics")
    for (track, system), count in evaluation.empty.items():
        print(f"{track}/{system} has no line for {count} subtopics: they count with the measure's default")


if __name__ == "__main__":
    evaluate.main()
