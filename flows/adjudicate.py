"""Turn judgments into qrels: `python -m flows.adjudicate`."""

from flows.stage import Run, stage


@stage
def adjudicate(run: Run) -> None:
    """Write data/qrels/, and with the dataset-label judge data/judgments/log.jsonl before."""
    from annotation import labels, log
    from annotation.adjudication import adjudicate as decide
    from annotation.adjudication import grade_definitions, write_qrels
    from annotation.guidelines import archived, guidelines_of
    from fieldguide.records import IMAGES, POOLS, read_topics

    places = run.places
    pools = POOLS.read(places.pools)
    if run.params.adjudicate.judge == "dataset-label":
        subtopics = {s.subtopic_id: s for topic in read_topics(places.topics) for s in topic.subtopics}
        judged = log.write(places.judgments, labels.judge(pools, subtopics, IMAGES.read(places.images)))
    else:
        judged = log.read(places.judgments)
    if judged.torn:
        print(judged.torn)
    guidelines = guidelines_of(judged.entries, str(places.judgments), archived(places.used_guidelines))
    decided = decide(judged.entries, pools)
    write_qrels(places.qrels, decided.qrels, grade_definitions(guidelines, judged))
    relevant = int((decided.qrels["grade"] > 0).sum())
    print(f"{len(judged.entries)} judgments, {len(decided.qrels)} graded pairs, {relevant} of them relevant")
    for how, count in decided.qrels["decided_by"].value_counts().sort_index().items():
        print(f"  {how}: {count}")
    print(f"  no grade (cannot tell, broken image): {len(decided.ungraded)}")
    print(f"  pooled and not judged: {len(decided.unjudged)} of {len(pools)}")


if __name__ == "__main__":
    adjudicate.main()
