"""Ask whether drawings show what they were asked for: `python -m flows.fidelity`."""

from fieldguide.runtime.stage import Run, stage


@stage
def fidelity(run: Run) -> None:
    """Write data/evaluation/fidelity.json; print how many drawings are named right."""
    from collections import Counter

    from fieldguide.evaluation.fidelity.fidelity import measure_fidelity, write_fidelity

    report = measure_fidelity(run.paths, run.params.fidelity)
    write_fidelity(run.paths.fidelity, report)
    shares = {"drawings": report.accuracy, "photographs": report.ceiling, "chance": report.chance}
    print(", ".join(f"{name} {'none' if share is None else f'{share:.0%}'}" for name, share in shares.items()))
    counts = Counter(phrase.verdict for phrase in report.phrases)
    print("phrases: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common()))


if __name__ == "__main__":
    fidelity.main()
