"""A first contract.yaml and defs.yaml for a source, proposed from a sample of it.

sample = read_sample("/data/readings.csv")      # a file, an http(s) URL, or a SQLite file
proposal = propose("readings", sample)          # the two files' texts, and what is unsure
"""

from lambdas.common.propose.proposal import Proposal, propose
from lambdas.common.propose.sample import Sample, read_sample

__all__ = ["Proposal", "Sample", "propose", "read_sample"]
