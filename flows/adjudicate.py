"""Turn judgments into qrels: `python -m flows.adjudicate`."""

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.runtime.step import run


@flow
def adjudicate(params: Params) -> None:
    """Write data/qrels/, and with the dataset-label judge data/judgments/log.jsonl before."""
    from fieldguide.annotation.agreement.summary import lines_of, summarise, write_summary
    from fieldguide.annotation.judgments import labels, log
    from fieldguide.annotation.judgments.adjudication import adjudicate as decide
    from fieldguide.annotation.judgments.adjudication import grade_definitions, write_decisions, write_qrels
    from fieldguide.annotation.judgments.guidelines import archived, counting, guidelines_of
    from fieldguide.annotation.planning.gold import grades_of, read_gold
    from fieldguide.records.images import IMAGES
    from fieldguide.records.judgments import POOLS
    from fieldguide.records.topics import read_topics

    paths = Paths()
    pools, people = POOLS.read(paths.pools), params.adjudicate.judge == "log"
    if people:
        judged = log.read(paths.judgments)
    else:
        subtopics = {s.subtopic_id: s for topic in read_topics(paths.topics) for s in topic.subtopics}
        judged = log.write(paths.judgments, labels.judge(pools, subtopics, IMAGES.read(paths.images)))
    if judged.torn:
        print(judged.torn)
    known = archived(paths.used_guidelines)
    entries = counting(judged.entries, params.adjudicate.guideline if people else None, known)
    guidelines = guidelines_of(entries, str(paths.judgments), known)
    given = params.annotate.gold if people and guidelines else None
    gold = grades_of(read_gold(paths.root / given, guidelines[-1]) if given else None)
    decided = decide(entries, pools, params.adjudicate.rule, gold)
    write_qrels(paths.qrels, decided.qrels, grade_definitions(guidelines, judged))
    write_decisions(paths.qrels, decided.decisions)
    relevant = int((decided.qrels["grade"] > 0).sum())
    if len(entries) < len(judged.entries):
        left = len(judged.entries) - len(entries)
        print(f"{left} lines of the log are by other guidelines than {params.adjudicate.guideline} and do not count")
    print(f"{len(entries)} judgments, {len(decided.qrels)} graded pairs, {relevant} of them relevant")
    for how, count in decided.qrels["decided_by"].value_counts().sort_index().items():
        print(f"  {how}: {count}")
    print(f"  no grade (cannot tell, broken image): {len(decided.ungraded)}")
    print(f"  pooled and not judged: {len(decided.unjudged)} of {len(pools)}")
    (paths.qrels / "agreement.json").unlink(missing_ok=True)
    if people:
        summary = summarise(entries, decided, guidelines, pools, params, gold)
        write_summary(paths.qrels, summary)
        print("\n".join(lines_of(summary)))


if __name__ == "__main__":
    run(adjudicate)
