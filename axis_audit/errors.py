"""Errors a user can act on: each names the thing, the cause and the cure."""

from __future__ import annotations


class InputError(Exception):
    """Input that cannot be audited (exit status 4), never a verdict about the model.

    Args:
        subject: the file, option or array at fault.
        cause: what is wrong with it.
        cure: what the user can do about it.
    """

    def __init__(self, subject: object, cause: str, cure: str) -> None:
        self.subject, self.cause, self.cure = str(subject), cause, cure
        super().__init__(f"{subject}: {cause}\n  Cure: {cure}")


class CheckpointError(InputError):
    """A checkpoint that cannot be loaded."""


class CohortError(InputError):
    """Recordings that cannot be read or do not make a valid cohort."""


class MeasurementError(Exception):
    """A check that could not measure what it claims (verdict ERROR, never PASS)."""


class NotApplicable(Exception):  # noqa: N818 - it is a verdict, not a malfunction
    """A claim that cannot be put to this model at all (verdict NOT_APPLICABLE); says why."""
