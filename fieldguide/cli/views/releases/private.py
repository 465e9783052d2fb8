"""What `fieldguide release seal` and `fieldguide score` print."""

from __future__ import annotations

from typing import Any

from fieldguide.core.paths import Paths
from fieldguide.publishing.release.private.keeping import Sealing
from fieldguide.publishing.release.private.score import PrivateScore
from fieldguide.publishing.release.section import Release
from fieldguide.runtime.tables import show, show_json

_SECTION = "release:\n  private: {share: 0.5, seed: 1, by: entity}"


def show_sealing(sealing: Sealing, release: Release, paths: Paths, dry: bool, as_json: bool) -> None:
    """Print what was made and what is to be done next; never the salt."""
    sealed = sealing.sealed
    if as_json:
        commitment = sealed and sealed.commitment
        subtopics = sealed and len(sealed.subtopics)
        made = sealing.made and str(sealing.made)
        show_json(
            {"dry": dry, "made": made, "subtopics": subtopics, "commitment": commitment, "fits": sealing.fits}
        )  # fmt: skip
        return
    if sealing.made is not None:
        print(f"{sealing.made}: {'would be made' if dry else 'made'}; keep it, show it to nobody, commit it never")
    if release.private is None:
        print(f"nothing is withheld yet; in params.yaml:\n{_SECTION}")
    elif sealed is None:
        print(
            "no private part was written: the benchmark is not finished, or has no salt yet; `fieldguide build release`"
        )
    else:
        for line in _sealed_lines(sealing, paths, dry):
            print(line)


def _sealed_lines(sealing: Sealing, paths: Paths, dry: bool) -> list[str]:
    sealed = sealing.sealed
    if sealed is None:
        return []
    judged = len({subtopic for subtopic, _ in sealed.grades})
    lines = [
        f"{paths.private}: {'would hold' if dry else 'holds'} grades of {judged} of {len(sealed.subtopics)} private "
        f"subtopics, and answers of {len(sealed.topics)} topics",
        *(f"commitment to {name}: {digest}" for name, digest in sealed.commitment.items()),
    ]
    words = {
        None: "is not there yet; `fieldguide build release` makes it",
        True: "is committed to it",
        False: "is committed to something else; `dvc repro -f release` makes it anew",
    }
    return [*lines, f"{paths.release} {words[sealing.fits]}"]


def show_score(score: PrivateScore, as_json: bool) -> None:
    """Print means and how they are to be read, or what would be scored."""
    if as_json:
        show_json(score)
        return
    if score.means is not None:
        show(list(_rows(score)), ("measure", "mean", "interval"))
        print(
            f"{score.release}: means over {score.subtopics} private subtopics of {score.topics} topics; "
            f"{score.confidence:.0%} interval over topics."
        )
    else:
        print(f"{score.release}: the run would be scored by {score.subtopics} private subtopics, at the price of a try")
    if score.missing:
        print(f"warning: it ranks nothing for {score.missing} private subtopics; they count with the measure's default")
    if score.before:
        print("This run was scored before: it is answered again, and costs no try.")
    print(f"{score.team}: {score.tries_left} tries left.")


def _rows(score: PrivateScore) -> list[dict[str, Any]]:
    return [
        {"measure": m.measure, "mean": f"{m.mean:.3f}", "interval": f"[{m.low:.3f}, {m.high:.3f}]"}
        for m in score.means or ()
    ]
