"""Memory does not grow with the object: three times the rows take no more, and less than a function has."""

import pytest

from tests.bench.engine import make_raw, peak_megabytes

MILLION = 1_000_000


@pytest.mark.long
def test_memory_does_not_grow_with_the_object(tmp_path):
    # with fewer rows the threads have not yet filled what they hold
    small = peak_megabytes(tmp_path, make_raw(tmp_path, 4 * MILLION))
    large = peak_megabytes(tmp_path, make_raw(tmp_path, 12 * MILLION))
    assert large < 1.25 * small, f"{small} MB for 4 M rows, {large} MB for 12 M"
    assert large < 1024
