"""What the driver's errors mean. The table is checked line by line in tests/process/test_classify.py.

redshift_connector gives a dict as `args[0]`, with C (SQLSTATE), M (message) and D (detail), and raises
ProgrammingError for nearly everything: so the dict decides, not the class. Sources: DG/x is
https://docs.aws.amazon.com/redshift/latest/dg/x.html, MG/x the management guide; the others are named.
"""

import re
import struct
from dataclasses import dataclass

from lambdas.common.errors import (
    AnalyticsError,
    DataRefused,
    LoadError,
    LoginRefused,
    StatementCancelled,
    WarehouseBusy,
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """One line of the table: an error whose SQLSTATE and text (message, detail) match is of that class."""

    error: type[AnalyticsError]
    state: str
    text: str
    source: str

    def fits(self, state: str, text: str) -> bool:
        """Whether the line describes that error."""
        return bool(re.fullmatch(self.state, state)) and bool(re.search(self.text, text, re.IGNORECASE))


ANY = ".*"
# The first line that fits decides. Lines on the data stand before lines that look for words anywhere in a text:
# an error's detail may quote a value or a file name.
TABLE = (
    Meaning(LoginRefused, "28000|28P01", "", "redshift_connector/core.py, handle_ERROR_RESPONSE"),
    Meaning(StatementCancelled, "57014", "", "DG/r_statement_timeout"),
    Meaning(WarehouseBusy, "40001|40P01", "", "PostgreSQL, appendix A: serialization failure, deadlock"),
    Meaning(WarehouseBusy, "08...|57P0[123]|53300", "", "PostgreSQL, appendix A: connection lost, shutdown, too many"),
    # 22023 is a wrong setting, never a value of the data.
    Meaning(DataRefused, "22(?!023)...", "", "PostgreSQL, appendix A: data exceptions"),
    Meaning(DataRefused, "23502", "", "PostgreSQL, appendix A: not-null violation"),
    Meaning(DataRefused, ANY, "length of the data column", "github.com/aws/aws-sdk-pandas/issues/529"),
    Meaning(DataRefused, ANY, "multibyte character not supported for char", "DG/r_Load_Error_Reference, 1220"),
    Meaning(DataRefused, ANY, "^cannot insert a null value", "dlt, destinations/impl/redshift/redshift.py"),
    Meaning(DataRefused, ANY, "^numeric data overflow", "dlt, destinations/impl/redshift/redshift.py"),
    # Curated files get their columns from the contract: these are a fault of the platform, not of an object.
    Meaning(LoadError, ANY, "unmatched number of columns", "github.com/rudderlabs/rudder-server/pull/3178"),
    Meaning(LoadError, ANY, "incompatible parquet schema", "github.com/aws/amazon-redshift-python-driver/issues/107"),
    Meaning(LoadError, ANY, "invalid type: 4000", "DG/ingest-super"),
    Meaning(LoadError, "42...", "", "PostgreSQL, appendix A: syntax, undefined or forbidden object"),
    Meaning(LoadError, ANY, "access denied", "DG/copy-usage_notes-access-permissions"),
    Meaning(LoadError, ANY, "^found multiple matches to update", "DG/r_MERGE"),
    Meaning(LoadError, ANY, "disk full", "DG/t_loading-tables-disk-full"),
    Meaning(WarehouseBusy, ANY, r"^1023\b|serializable isolation violation", "DG/c_serial_isolation"),
    Meaning(WarehouseBusy, ANY, "conflict with concurrent transaction", "amazon-redshift-jdbc-driver/issues/147"),
    Meaning(WarehouseBusy, ANY, "deadlock detected", "DG/c_write_readwrite"),
    Meaning(WarehouseBusy, ANY, "could not open relation with oid", "dbt-redshift, connections.py"),
    Meaning(WarehouseBusy, ANY, "retries exceeded", "DG/c-spectrum-troubleshooting"),
    Meaning(WarehouseBusy, ANY, "slowdown|service unavailable", "S3 API reference, error responses"),
    Meaning(WarehouseBusy, ANY, "connection limit|too many connections", "MG/amazon-redshift-limits"),
    Meaning(WarehouseBusy, "", "server socket closed|connection is closed", "redshift_connector/core.py"),
    Meaning(WarehouseBusy, "", "communication error|connection time out", "redshift_connector/core.py"),
    Meaning(WarehouseBusy, "", "cannot read from timed out", "Python, socket.SocketIO"),
    # An unknown error stops the load: an endless retry would hide it, and setting data aside would lose rows.
    Meaning(LoadError, ANY, "", "decided here"),
)
# What the driver raises on a stream that breaks off: it unpacks too few bytes, or looks up a message that is none.
BROKEN_STREAM = (OSError, struct.error, IndexError, KeyError)


def classify(error: BaseException) -> AnalyticsError:
    """The platform's error for a driver's; its text begins with the SQLSTATE where there is one."""
    report = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    text = " ".join(str(report[k]) for k in ("M", "D") if report.get(k)) or str(error)
    state = str(report.get("C", ""))
    if not report and isinstance(error, BROKEN_STREAM):
        return WarehouseBusy(f"the connection broke: {type(error).__name__}: {text}")
    kind = next(line.error for line in TABLE if line.fits(state, text))
    return kind(f"{state} {text}".strip())
