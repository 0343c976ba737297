"""Component types: a folder under assets/ whose defs.yaml names one of them becomes assets."""

from orchestration.components.mart import Mart
from orchestration.components.source import Source

__all__ = ["Mart", "Source"]
