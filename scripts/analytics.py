"""The command `analytics`: what people ask of the platform beyond ingesting.

.venv/bin/python -m scripts.analytics check      are all contracts and defs.yaml right?
"""

import argparse
import sys

from lambdas.common.contract.check import check_all


def main() -> int:
    """Run the command; its exit status."""
    parser = argparse.ArgumentParser(prog="analytics", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="check every contract.yaml and defs.yaml under assets/")
    parser.parse_args()
    return check()


def check() -> int:
    """Print every mistake; 1 where there is one."""
    mistakes = check_all()
    for text in mistakes:
        print(text, file=sys.stderr)
    print("contracts: all well" if not mistakes else f"contracts: {len(mistakes)} mistakes")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
