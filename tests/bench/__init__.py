"""`make bench`: ratios measured in one run, both sides warm, order alternated, median of 5. Never asserted."""
