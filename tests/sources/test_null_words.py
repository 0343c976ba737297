"""The words for no value that a draft knows: German files write `k.A.`."""

import duckdb

from lambdas.common.propose.reading import read_texts


def test_german_no_answer_leaves_a_number():
    found = read_texts(duckdb.connect(), ["1.619.230,69", "12,50", "k.A."])
    assert found.logical == "number"
    assert found.null_words == ("k.A.",)
