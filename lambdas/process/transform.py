"""A source's own transform.py, run over a raw object batch by batch, before the rules of its contract.

The frame's index is the number of the row in the object: by it a row is followed through whatever the function does.
"""

import functools
import importlib.util
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lambdas.common.contract.script import FUNCTION
from lambdas.common.errors import ContractError, ObjectError

# Rows a batch: some 100 MB of a frame with a hundred columns.
BATCH_ROWS, BATCH_BYTES = 100_000, 100 << 20
# The column that carries the row's number in the files written here.
NUMBER = "§number"

HIDDEN = "its text is not shown: the contract has restricted columns"

Transform = Callable[[Any], Any]


def run_script(script: Path, raw: Path, folder: Path, first: int = 0, *, hide: bool = False) -> list[Path]:
    """Write what the script makes of the object, a Parquet file a batch, with the rows' numbers in NUMBER.

    Args:
        script: the transform.py.
        raw: the object's bytes on disk.
        folder: where the files go.
        first: the number in the object of the file's first row.
        hide: what is said of what goes wrong may show values that must not be seen: its text is left out.

    Raises:
        ContractError: the script cannot be imported.
        ObjectError: the script raised on this object, or gave something else than rows that it was given; names the
            script's line.
    """
    import pyarrow.parquet as pq

    function = _load(script, script.stat().st_mtime_ns)
    files = []
    for number, frame in enumerate(_frames(raw, first)):
        given = frame.index
        try:
            made = function(frame)
        except Exception as error:  # noqa: BLE001 - whatever the script raises, the object is set aside
            said = HIDDEN if hide else str(error)
            raise ObjectError(f"{_place(script, error)}: {type(error).__name__}: {said}") from (None if hide else error)
        files.append(folder / f"{number:06}.parquet")
        pq.write_table(_table(script, made, given, hide=hide), files[-1])
    return files


@functools.lru_cache(maxsize=64)
def _load(script: Path, _changed: int) -> Transform:
    spec = importlib.util.spec_from_file_location(f"transform_of_{script.parent.name}", script)
    if spec is None or spec.loader is None:
        raise ContractError(f"{script}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ContractError(f"{_place(script, error)}: {type(error).__name__}: {error}") from error
    function: Transform = getattr(module, FUNCTION)
    return function


def _frames(raw: Path, start: int) -> Iterator[Any]:
    """The object's rows in frames. Arrow's types: an integer with gaps stays one, and a text is a text."""
    import pandas as pd
    import pyarrow.parquet as pq

    with pq.ParquetFile(raw, memory_map=True) as file:
        for batch in file.iter_batches(_fitting(file.metadata)):
            frame = batch.to_pandas(types_mapper=pd.ArrowDtype)
            frame.index = pd.RangeIndex(start, start + len(frame), name="row")
            start += len(frame)
            yield frame


def _fitting(metadata: Any) -> int:
    """How many rows are a batch: the wider they are, the fewer."""
    size: int = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    return max(1, min(BATCH_ROWS, BATCH_BYTES * int(metadata.num_rows) // max(size, 1)))


def _table(script: Path, made: Any, given: Any, *, hide: bool) -> Any:
    """What the script gave, in the object's order, with the rows' numbers."""
    import pandas as pd
    import pyarrow as pa

    if not isinstance(made, pd.DataFrame):
        raise ObjectError(f"{script.name}: transform gave {type(made).__name__}, not a DataFrame")
    kept = pd.api.types.is_integer_dtype(made.index.dtype) and made.index.is_unique and made.index.isin(given).all()
    if len(made) and not kept:
        raise ObjectError(
            f"{script.name}: transform gave rows that it was not given: each row keeps its index, which is its number "
            "in the object; a row may be left out, and none added or doubled (no reset_index, concat or explode)"
        )
    ordered = made.sort_index()
    try:
        table = pa.Table.from_pandas(ordered, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        said = HIDDEN if hide else str(error)
        text = f"{script.name}: a column holds values of several kinds: {said}"
        raise ObjectError(text) from (None if hide else error)
    return table.append_column(NUMBER, pa.array(ordered.index.to_numpy(dtype="int64")))


def _place(script: Path, error: BaseException) -> str:
    """File and line of the script where it went wrong."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(script)]
    return f"{script.name}:{lines[-1]}" if lines else script.name
