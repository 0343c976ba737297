"""Bytes that are no UTF-8 (DG/multi-byte-character-load-errors)."""

from __future__ import annotations

CODE = 1220


def replaced(data: bytes, character: str) -> str:
    """The text, every invalid byte replaced by the character."""
    parts: list[str] = []
    start = 0
    while start < len(data):
        try:
            parts.append(data[start:].decode())
            break
        except UnicodeDecodeError as problem:
            parts.append(data[start : start + problem.start].decode())
            parts.append(character * (problem.end - problem.start))
            start += problem.end
    return "".join(parts)


def invalid_reason(data: bytes) -> str:
    """What is wrong with the bytes, in Redshift's words; nothing if they are valid."""
    try:
        data.decode()
    except UnicodeDecodeError as problem:
        bad = data[problem.start : problem.end]
        sequence = f"Bad UTF8 hex sequence: {bad.hex(' ')} (error {_number(data, problem)})"
        return f"String contains invalid or unsupported UTF8 codepoints. {sequence}"
    return ""


def _number(data: bytes, problem: UnicodeDecodeError) -> int:
    first = data[problem.start]
    if first < 0xC2 or first > 0xF4:
        return 3
    return 2 if "end of data" in problem.reason else 4
