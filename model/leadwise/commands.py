"""What `python -m model.leadwise` does with a trained classifier."""

from __future__ import annotations

import argparse


def evaluate(options: argparse.Namespace) -> None:
    """Print how a checkpoint does."""
    raise NotImplementedError


def explain(options: argparse.Namespace) -> None:
    """Draw the attribution maps of a record."""
    raise NotImplementedError
