"""The optional transform.py beside a contract: `transform(df: pandas.DataFrame) -> pandas.DataFrame`.

Here it is read and checked as text; it runs in the process function alone, the only one that has pandas.
"""

import ast
from pathlib import Path

from lambdas.common.errors import ContractError

NAME, FUNCTION = "transform.py", "transform"


def find_script(contract: Path) -> Path | None:
    """The transform.py beside that contract.yaml, if there is one.

    Raises:
        ContractError: it is no Python, or defines no function `transform` of one argument; names file and line.
    """
    path = contract.with_name(NAME)
    if not path.exists():
        return None
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise ContractError(f"{path}:{line}: is no Python: {getattr(error, 'msg', error)}") from error
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == FUNCTION]
    if not found or len(found[-1].args.args) != 1:
        line = found[-1].lineno if found else 1
        raise ContractError(f"{path}:{line}: must define {FUNCTION}(df), which takes and gives a pandas DataFrame")
    return path
