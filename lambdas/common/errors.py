"""The errors of the platform, a tree of two branches.

AnalyticsError
├── PermanentError        the same call fails again: fix the input, the contract or the configuration
│   ├── ContractError     a contract or defs.yaml is wrong
│   ├── SettingsError     an environment variable, parameter or secret is missing or wrong
│   ├── RequestError      an event or a command line asks for something that cannot be
│   ├── SourceError       the source answered with something that a retry does not mend
│   ├── ObjectError       one raw object cannot be read; others of its batch load
│   └── LoadError         the warehouse refuses the statement
│       ├── DataRefused   the warehouse refuses the data: some object of the batch holds what does not fit
│       └── LoginRefused  the warehouse refuses user or password; the secret is read once more
└── TransientError        the same call may pass later, on a new connection
    ├── SourceUnavailable the source did not answer, or said to come again
    ├── WorkspaceFull     no room on disk or in memory for the work
    └── WarehouseBusy     conflict, lost connection, limit reached
        └── StatementCancelled  a statement took too long or was cancelled; tried once more
"""

import re

# what stands in front of assets/ in an absolute path, which may hold blanks
ASSETS = re.compile(r"(?<![^\s'\"(])/[^\n]*?/assets/(?=sources/|marts/)")


class AnalyticsError(Exception):
    """Base of all errors that the platform raises on purpose."""


class PermanentError(AnalyticsError):
    """The same call fails again until somebody mends what the message names."""


class ContractError(PermanentError):
    """A contract or a defs.yaml is wrong; the message names file, place and hint.

    Files are named from assets/ on: where a function or a deploy keeps its copy of them means nothing to people.
    """

    def __init__(self, message: object) -> None:
        super().__init__(ASSETS.sub("assets/", str(message)))


class SettingsError(PermanentError):
    """A setting is missing or wrong; the message names it and says where it comes from."""


class RequestError(PermanentError):
    """An event or argument is wrong; the message names the parameter and what is allowed."""


class SourceError(PermanentError):
    """The source answered with something that a retry does not mend."""


class ObjectError(PermanentError):
    """One raw object cannot be read; it is set aside with this reason and the others load."""


class LoadError(PermanentError):
    """The warehouse refused the statement; no object is to blame."""


class DataRefused(LoadError):  # noqa: N818 - reads as what happened
    """The warehouse refused a value of the data; the load looks for the object and sets it aside."""


class LoginRefused(LoadError):  # noqa: N818 - reads as what happened
    """The warehouse refused user or password: perhaps they have been rotated since the secret was read."""


class TransientError(AnalyticsError):
    """The same call may pass later."""


class SourceUnavailable(TransientError):  # noqa: N818 - reads as what happened
    """The source did not answer in time, or asked to come again."""


class WorkspaceFull(TransientError):  # noqa: N818 - reads as what happened
    """The disk or the memory of the function did not suffice; the data is not to blame."""


class WarehouseBusy(TransientError):  # noqa: N818 - reads as what happened
    """The warehouse conflicted, was full, or lost the connection; run the transaction again."""


class StatementCancelled(WarehouseBusy):
    """A statement outlasted its limit or was cancelled; what is slow twice is slow for a reason."""
