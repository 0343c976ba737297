"""CSV files of any dialect, line ends and quoting, made up: DuckDB reads the very rows that Python's csv writes."""

import random
from types import SimpleNamespace

import pytest

from lambdas.ingest.csv_files import read_csv_files
from lambdas.ingest.spool import Spool

QUOTES = (('"', '"'), ('"', "\\"), ("'", "'"), ("", ""))
ENDS = (["\n"], ["\r\n"], ["\n", "\r\n"], ["\r"], ["\n", "\r\n", "\r"])
FILES = 60
PARTS = ("a", "b", "1", " ", ",", ";", "'", '"', "#", "é", "\t", "\n", "\r\n", "\r", "\n# no comment")


class Written:
    """A file's text and its rows. Every cell has two forms: as it stands in the file, and what it means."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.delimiter = self.random.choice(",;\t|")
        self.quote, self.escape = self.random.choice(QUOTES)
        self.ends, self.comment = self.random.choice(ENDS), self.random.choice(["", "#"])
        self.skip, self.ragged = self.random.choice([0, 0, 2]), self.random.random() < 0.3
        width = self.random.randint(2, 4)
        named = self.random.random() < 0.3
        self.names = tuple(f"n{place}" for place in range(width)) if named else ()
        head = [] if named else [[self.cell(place) for place in range(width)]]
        rows = [[self.cell() for _ in range(width)] for _ in range(self.random.randint(0, 5))]
        lines = ["before, it" + self.end() for _ in range(self.skip)]
        for row in head + rows:
            lines += ["# it's, " + self.end()] if self.comment and self.random.random() < 0.3 else []
            lines.append(self.delimiter.join(written for written, _ in row) + self.end())
        self.text = self.random.choice(["", "", "\ufeff"]) + "".join(lines)
        self.rows = [tuple(value for _, value in row) for row in rows]

    def end(self):
        return self.random.choice(self.ends)

    def cell(self, place=None):
        name = "" if place is None else f"c{place}"
        value = name + "".join(self.random.choice(PARTS) for _ in range(self.random.randint(1, 3)))
        if not self.quote:
            value = "".join(sign for sign in value if sign not in self.delimiter + "\r\n#") or "x"
            return value, value
        if self.random.random() < 0.2 or any(sign in value for sign in self.delimiter + self.quote + "\r\n#"):
            return self.quote + value.replace(self.quote, self.escape + self.quote) + self.quote, value
        return value, value


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 10))])
def test_made_up_files_have_the_rows_that_were_written(tmp_path, seed):
    path, keys = tmp_path / "a.csv", ("delimiter", "quote", "escape", "comment", "skip", "ragged", "names")
    with Spool() as spool:
        for number in range(seed * FILES, (seed + 1) * FILES):
            written = Written(number)
            path.write_bytes(written.text.encode())
            dialect = {key: getattr(written, key) for key in keys}
            rows, _ = read_csv_files(SimpleNamespace(spool=spool, config={"csv": dialect}), [path], 0)
            found = spool.connection.execute("SELECT * FROM extracted").fetchall()
            assert (found, rows.count) == (written.rows, len(written.rows)), (written.text, dialect)
            spool.connection.execute("DROP TABLE extracted")
