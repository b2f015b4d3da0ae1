"""Every error we raise on purpose, drawn as a tree.

OrchestratorError           a sentence for the user, never a traceback
├── UsageError              what was asked can't be done: exit code 2
│   ├── LessonError         a lesson (file) is not one
│   └── VersionError        a library is not the one the contract was checked on
├── OtherProgramError       what lies here is not what was planned: exit code 1
├── StoreError              the results folder can't be used
│   ├── NoResultsError      it holds no tables yet
│   ├── StoreLockedError    another driver is at work there
│   └── StoreLostError      it could be used, and now it can't: exit code 1
│       └── BlockDamagedError   a stored block is not what was written
└── ClusterError            no cluster, or none that can hold a shard
    └── ClusterLostError    there was one, and now there is none: exit code 1

Each message gives the rule, the value, and what is allowed or what to do next.
"""


class OrchestratorError(Exception):
    """The parent of all; the command line prints it and exits with its code."""

    exit_code = 2


class UsageError(OrchestratorError):
    """The request itself is wrong."""


class LessonError(UsageError):
    """A lesson breaks a rule that `lesson.py` states."""


class VersionError(UsageError):
    """An installed library is not the version the engine was checked on."""


class OtherProgramError(OrchestratorError):
    """A shard found another program, other rows or other versions than its plan names."""

    exit_code = 1


class OtherModelError(OrchestratorError):
    """A seed builds another model than the one whose program trains it."""

    exit_code = 1


class StoreError(OrchestratorError):
    """The results folder can't be read or written."""


class NoResultsError(StoreError):
    """No command has written tables into the results folder yet."""


class StoreLockedError(StoreError):
    """Another driver holds the results folder."""


class StoreLostError(StoreError):
    """The results folder is full, gone or damaged while it was at work."""

    exit_code = 1


class BlockDamagedError(StoreLostError):
    """A block that counted as stored is not what was written."""


class ClusterError(OrchestratorError):
    """Ray can't be reached, or can't hold what a shard needs."""


class ClusterLostError(ClusterError):
    """The cluster went away while it was at work."""

    exit_code = 1
