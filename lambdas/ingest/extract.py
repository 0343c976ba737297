"""From a source's configuration to its rows in the spool. Each kind of source has a module of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lambdas.common.contract import Contract
from lambdas.common.errors import ContractError, SourceError, SourceUnavailable
from lambdas.common.source import SourceConfig
from lambdas.ingest.job import Job
from lambdas.ingest.request import Window, read_options
from lambdas.ingest.slices import Slice
from lambdas.ingest.spool import Rows, Spool
from lambdas.ingest.tokens import Vault, fill, window_texts

FIRST = Slice()


@dataclass(frozen=True, slots=True)
class Source:
    """A source with all that extracting it needs. `variables` are the values of {env:NAME}."""

    config: SourceConfig
    contract: Contract
    variables: Mapping[str, str]
    vault: Vault

    @property
    def key(self) -> tuple[str, ...]:
        """The raw columns of the contract's key; empty where one is computed, or there is no key."""
        columns = [self.contract.column(name) for name in self.contract.key]
        return tuple(c.sources[0] for c in columns) if all(c.reads_one_raw_column for c in columns) else ()


def extract(source: Source, window: Window | None, part: Slice = FIRST, *, spool: Spool, deadline: float) -> Rows:
    """All rows of the window, or a slice of the whole source where there is none, in one pass.

    Args:
        source: what to extract.
        window: UTC days, end excluded.
        part: which slice of a source that is read whole.
        spool: where the rows go.
        deadline: value of time.monotonic() at which to give up.

    Raises:
        ContractError: defs.yaml does not say how to extract.
        SourceError: the source's answer or the configuration is wrong; says what was asked.
        SourceUnavailable: it did not answer, or said to come again, or was not done by the deadline.
    """
    config = source.config
    if config.extract is None or config.extractor is None:
        raise ContractError(f"{config.name}: defs.yaml has no `extract`: others drop its files, nothing is to ingest")
    options = read_options(config)
    texts = {}
    if window:
        texts = window_texts(window.start, window.end, inclusive=options.inclusive, precision=options.precision)
    filled = fill(config.extract[config.extractor], texts, source.variables, source.vault)
    redact, event_time = source.vault.redact, source.contract.event_time
    job = Job(config.name, filled, window, options, spool, deadline, redact, part, source.key, event_time)
    try:
        return _extractor(config.extractor)(job)
    except (SourceError, SourceUnavailable) as error:
        raise type(error)(f"{config.name}: {error}") from error


def _extractor(kind: str) -> Callable[[Job], Rows]:
    """Imported when called: each brings a large library that the others do not need."""
    if kind == "rest_api":
        from lambdas.ingest.rest import extract_rest

        return extract_rest
    if kind == "filesystem":
        from lambdas.ingest.files import extract_files

        return extract_files
    from lambdas.ingest.database import extract_database

    return extract_database
