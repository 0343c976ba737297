"""Names, texts and conditions as DuckDB writes them."""


def quoted(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text."""
    return "'" + text.replace("'", "''") + "'"


def is_no_text(name: str) -> str:
    """A condition: the binary column of that name holds bytes that are no UTF-8."""
    return f"{quoted(name)} IS NOT NULL AND TRY(decode({quoted(name)})) IS NULL"
