"""The command `axis-audit init`: its words and its options."""

from __future__ import annotations

import argparse
from pathlib import Path

from axis_audit.file_kinds import KINDS

_WORDS = """\
Writes an adapter for a model that axis-audit does not know, its test, and, where there is no
pyproject.toml, one with the settings of the audit. Five lines of the adapter are marked EDIT: what
the model is called, the signals it takes, what it must pass, how its file is opened, which output
is the latent. No file is ever overwritten, and the model's file is not opened.

Exit status: 0; 4 a file is there already, or an option makes no sense.
"""
_EXAMPLES = """\
examples:
  axis-audit init --kind onnx
  axis-audit init audits/resnet --checkpoint resnet.pt --name resnet_adapter
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `init` to the commands of `axis-audit`."""
    parser = commands.add_parser(
        "init",
        help="write an adapter for a model of your own, to be filled in, and its test",
        description=_WORDS,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("folder", type=Path, nargs="?", default=Path(), metavar="DIR", help="where (default: here)")
    add(
        "--kind",
        choices=KINDS,
        help="what the model's file is (default: what --checkpoint is, else torchscript)",
    )
    add("--checkpoint", type=Path, metavar="FILE", help="the model's file; it is not opened")
    add("--name", default="my_adapter", help="of the module (default %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Write the files and say what is next; returns the exit status.

    Raises:
        InputError: see `scaffold.write`.
    """
    from axis_audit import scaffold

    lines = scaffold.write(options.folder, options.kind, options.checkpoint, options.name)
    print(*lines, sep="\n")
    return 0
