"""From a source's configuration to its rows in the spool. Each kind of source has a module of its own."""

from collections.abc import Callable, Mapping

from lambdas.common.errors import ContractError, SourceError, SourceUnavailable
from lambdas.common.source import SourceConfig
from lambdas.ingest.job import Job
from lambdas.ingest.request import Window, read_options
from lambdas.ingest.spool import Rows, Spool
from lambdas.ingest.tokens import Vault, fill, window_texts


def extract(
    config: SourceConfig,
    window: Window | None,
    *,
    spool: Spool,
    variables: Mapping[str, str],
    vault: Vault,
    deadline: float,
) -> Rows:
    """All rows of the window, or of the whole source where there is none, in one pass.

    Args:
        config: the source, from its defs.yaml.
        window: UTC days, end excluded.
        spool: where the rows go.
        variables: values of {env:NAME}.
        vault: values of {secret:NAME}; no message shows them.
        deadline: value of time.monotonic() at which to give up.

    Raises:
        ContractError: defs.yaml does not say how to extract.
        SourceError: the source's answer or the configuration is wrong; says what was asked.
        SourceUnavailable: it did not answer, or said to come again, or was not done by the deadline.
    """
    if config.extract is None or config.extractor is None:
        raise ContractError(f"{config.name}: defs.yaml has no `extract`: others drop its files, nothing is to ingest")
    options = read_options(config)
    texts = {}
    if window:
        texts = window_texts(window.start, window.end, inclusive=options.inclusive, precision=options.precision)
    filled = fill(config.extract[config.extractor], texts, variables, vault)
    job = Job(config.name, filled, window, options, spool, deadline)
    try:
        return _extractor(config.extractor)(job)
    except (SourceError, SourceUnavailable) as error:
        # without its cause: that one may show a secret, for instance in a URL
        raise type(error)(f"{config.name}: {vault.redact(str(error))}") from None


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
