"""What the daemons of the crash test are forked from: the code location, loaded once for all of them."""

from orchestration import definitions

definitions.defs = definitions.defs()  # type: ignore[assignment]
definitions.defs.get_repository_def()
