"""The statements of the policies in a template's text, with the comments beside them."""

from collections.abc import Iterator

import yaml


def statements(text: str) -> Iterator[tuple[str, yaml.MappingNode]]:
    """Each policy statement of a template with its own lines, and the comments right above it."""
    lines = text.splitlines()

    def walk(node: yaml.Node) -> Iterator[yaml.MappingNode]:
        if isinstance(node, yaml.MappingNode):
            if {"Effect", "Action"} <= {key.value for key, _ in node.value}:
                yield node
            for _, value in node.value:
                yield from walk(value)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                yield from walk(value)

    for node in walk(yaml.compose(text)):
        first = node.start_mark.line
        while lines[first - 1].strip().startswith("#"):
            first -= 1
        last = node.end_mark.line
        # what follows the statement is about the next one
        while not lines[last - 1].strip() or lines[last - 1].strip().startswith("#"):
            last -= 1
        yield "\n".join(lines[first:last]), node


def scalars(node: yaml.Node) -> list[str]:
    if isinstance(node, yaml.ScalarNode):
        return [str(node.value)]
    children = node.value if isinstance(node, yaml.SequenceNode) else [value for _, value in node.value]
    return [found for child in children for found in scalars(child)]
