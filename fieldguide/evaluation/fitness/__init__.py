"""Is the collection fit to measure with? Unjudged images, reuse by new systems, wrong labels, chance, duplicates."""
