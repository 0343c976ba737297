"""Files that ingest does not read, told by how they begin."""

from lambdas.common.errors import RequestError

TAR_PLACE, TAR = 257, b"ustar"
BEGINS = {
    b"%PDF": "a PDF", b"\x28\xb5\x2f\xfd": "packed by Zstandard", b"BZh": "packed by bzip2",
    b"\xfd7zXZ": "packed by xz", b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive", b"Obj\x01": "an Avro file", b"ORC": "an ORC file", b"FEA1": "a Feather file of version 1",
    b"\xd0\xcf\x11\xe0": "an Excel workbook", b"\x89HDF": "an HDF5 file", b"\x93NUMPY": "a NumPy file",
    b"SQLite format 3\x00": "a SQLite file, which has to lie there unpacked",
}  # fmt: skip
MARKUP = {b"<!doctype html": "an HTML page", b"<html": "an HTML page", b"<": "XML or HTML"}
KNOWN = "known are CSV, JSON, NDJSON, Parquet, Arrow (plain, gzip or in a ZIP) and SQLite"


def refuse_foreign(body: bytes, name: str) -> None:
    """Raise RequestError for content of a kind that is known and not read."""
    text = body[:64].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    found = next((what for sign, what in BEGINS.items() if body.startswith(sign)), None)
    found = found or next((what for sign, what in MARKUP.items() if text.startswith(sign)), None)
    if body[TAR_PLACE : TAR_PLACE + len(TAR)] == TAR:
        found = "a tar archive"
    if found:
        raise RequestError(f"{name} is {found}; {KNOWN}")


def refuse_workbook(members: list[str], name: str) -> None:
    """Raise RequestError for the members of a ZIP that is an Excel workbook."""
    if any(member.startswith("xl/") for member in members):
        raise RequestError(f"{name} is an Excel workbook, of which the sheet has to be saved as CSV; {KNOWN}")
