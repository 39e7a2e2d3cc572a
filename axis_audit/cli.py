"""The `axis-audit` command: what pytest does not do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from axis_audit import cli_page, cli_reports
from axis_audit.errors import InputError
from axis_audit.scaffold import command

_DEFECTS = """\
Audits the audit. Every defect of the catalogue (a leak, a broken axis, a wrong lead, ...) is
planted in a clean model of known truth, and the check that the defect names must FAIL. Clean models
fitted on fresh draws must not FAIL more often than an error rate of 5 % allows.

Writes kill_matrix.json, .html, .png and .svg. An interrupted run goes on where it stopped when it
is started again with the same --output: finished audits are kept in progress.jsonl, under a key
of the settings, this package's code and the versions of its libraries.

Exit status: 0 every defect is killed and the clean twins are as they should be; 1 a defect
survives, an exact check FAILs a clean twin, or more clean twins FAIL than Binomial(twins, .05)
allows at 99 %; 4 the options make no sense. INCONCLUSIVE twins are counted, not failed.
"""
_DEFECTS_EXAMPLES = """\
examples:
  axis-audit defects --output reports/defects --jobs 2
  axis-audit defects --only sign_key zero_direction --twins 0 --quick
  axis-audit defects --full --dimensions 32 --people 2400
"""
_CALIBRATE = """\
Measures how often the leakage gates are right. People are drawn with latents (normal, and
t-tailed with 5 degrees of freedom) that leak a target with a known R² of 0, .02, .05, .10, .15 and
.20, linearly or through a random small network, from the latents or from canonical beats; the
gates' verdicts are counted, with 95 % intervals that allow for what replicates of one draw share.
No network of a model is trained, no cohort is read.

At the default size a draw of ten replicates takes about 35 s of one core for all gates. A run
that stops goes on when it is started again with the same --output; shards of one --output can run
side by side, and the record counts what all of them have finished.

Exit status: 0; 1 a false verdict is more frequent than its nominal level beyond reasonable doubt
(one-sided 99.9 %); 4 the options make no sense.
"""
_CALIBRATE_EXAMPLES = """\
examples:
  axis-audit calibrate --replicates 500 --gates linear --output linear.json
  axis-audit calibrate --replicates 500 --shard 1/2 --output all.json
"""
_STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `axis-audit`; returns the exit status."""
    parser = _parser()
    options, further = parser.parse_known_args(arguments)
    if further and options.command != "each":
        parser.error(f"unrecognized arguments: {' '.join(further)}")
    options.further = further
    run = {
        "checks": _print_checks,
        "defects": _defects,
        "calibrate": _calibrate,
        "init": command.run,
        "report": cli_page.report,
        **cli_reports.runs(),
    }.get(options.command or "")
    if run is None:
        parser.print_help()
        return 0
    try:
        return run(options)
    except InputError as error:
        print(f"axis-audit: {error}", file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        print("axis-audit: stopped; the same command goes on from here", file=sys.stderr)
        return _STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="axis-audit",
        description="Audits are run by pytest: pytest --checkpoint model.pth (see pytest --help).",
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    checks = commands.add_parser(
        "checks",
        help="list every check (gate, screen or reported), with its claim and acceptable region; "
        "also those of installed packages, not those of a conftest.py (pytest --collect-only "
        "--checkpoint FILE lists these)",
    )
    checks.add_argument("--markdown", action="store_true", help="as the table of README.md")
    command.add_parser(commands)
    _defects_parser(commands)
    _calibrate_parser(commands)
    cli_page.add_parser(commands)
    cli_reports.add_parsers(commands)
    return parser


def _defects_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "defects",
        help="plant every known defect and see that its check fails; clean models must pass",
        description=_DEFECTS,
        epilog=_DEFECTS_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--people", type=int, default=1200, metavar="N", help="people audited (default %(default)s)"
    )
    add(
        "--dimensions",
        type=int,
        default=16,
        metavar="D",
        help="latent dimensions of the clean model (default %(default)s; 32 needs 2400 people)",
    )
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument(
        "--full",
        action="store_true",
        help="run the slowest checks (MLP probes, re-estimated B) on every defect too, not only on "
        "those that name them: about twice as long",
    )
    scope.add_argument(
        "--quick", action="store_true", help="run on each defect only the check that it names"
    )
    add("--only", nargs="+", default=[], metavar="NAME", help="these defects (default all)")
    add(
        "--twins",
        type=int,
        default=60,
        metavar="N",
        help="clean models, seeds 0 to N-1 (default %(default)s; 0 for none)",
    )
    add(
        "--output",
        type=Path,
        default=Path("reports/defects"),
        metavar="DIR",
        help="where the matrix goes (default %(default)s)",
    )
    add("--jobs", type=int, default=2, metavar="N", help="processes (default %(default)s)")


def _calibrate_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "calibrate",
        help="measure how often the leakage gates PASS and FAIL leaks of known size",
        description=_CALIBRATE,
        epilog=_CALIBRATE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--replicates",
        type=int,
        required=True,
        metavar="N",
        help="of each kind of latents; every planted R² is measured on each",
    )
    add("--dimensions", type=int, default=256, metavar="D", help="of z (default %(default)s)")
    add("--people", type=int, default=1850, metavar="N", help="audited (default %(default)s)")
    add(
        "--fit-people",
        type=int,
        default=17000,
        metavar="N",
        help="for the MLP to be fitted on; 0 for cross-validation alone (default %(default)s)",
    )
    add("--margin", type=float, default=0.05, help="largest R² called none (default %(default)s)")
    add(
        "--gates",
        default="",
        metavar="LIST",
        help="some of linear, linear_deviation, mlp, canonical_norm, canonical_linear, "
        "canonical_mlp (default all)",
    )
    add("--seed", type=int, default=0, metavar="N", help="of all draws (default %(default)s)")
    add(
        "--shared",
        type=int,
        default=10,
        metavar="K",
        help="replicates on one draw of latents and one set of plants (default %(default)s)",
    )
    add(
        "--checks",
        type=int,
        default=0,
        metavar="M",
        help="FAIL at level .05 / M (default: M of today's checks); PASS does not depend on it",
    )
    add("--shard", default="1/1", metavar="i/k", help="run every k-th draw from the i-th")
    add(
        "--output",
        type=Path,
        default=Path("calibration.json"),
        metavar="FILE",
        help="the JSON record (default %(default)s); progress is kept beside it, and so are the "
        "power curves (.png)",
    )
    add(
        "--beside",
        type=Path,
        nargs="+",
        default=[],
        metavar="RECORD",
        help="records of other numbers of people, drawn into the same power curves",
    )


def _print_checks(options: argparse.Namespace) -> int:
    from axis_audit.registry import all_checks, import_checks
    from axis_audit.report import checks_table

    import_checks()
    write = checks_table.as_markdown if options.markdown else checks_table.as_text
    print(write(all_checks()))
    return 0


def _defects(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from axis_audit.defects import kill_matrix
    from axis_audit.defects.matrix_record import closing_lines

    scope = "full" if options.full else "quick" if options.quick else "usual"
    settings = kill_matrix.KillSettings(
        options.people, options.dimensions, options.twins, scope, tuple(options.only)
    )
    record = kill_matrix.run(
        settings,
        options.output,
        jobs=options.jobs,
        progress=lambda audits, **known: tqdm(audits, unit="audit", **known),
    )
    print(*closing_lines(record), sep="\n")
    print(f"see {options.output / 'kill_matrix.html'}")
    return 0 if record["ok"] else 1


def _calibrate(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from axis_audit import calibration
    from axis_audit.calibration.power_curves import draw_power

    settings = calibration.CalibrationSettings(
        replicates=options.replicates,
        dimensions=options.dimensions,
        people=options.people,
        fit_people=options.fit_people,
        margin=options.margin,
        gates=tuple(gate.strip() for gate in options.gates.split(",") if gate.strip()),
        seed=options.seed,
        shared=options.shared,
        checks=options.checks,
    )
    beside = [calibration.read_record(path) for path in options.beside]
    record = calibration.calibrate(
        settings,
        options.output,
        shard=calibration.parse_shard(options.shard),
        progress=lambda draws: tqdm(draws, unit="draw"),
    )
    print(calibration.table(record))
    if all(record["finished"].values()):
        draw_power([record, *beside], options.output.with_suffix(".png"))
    return 1 if record["too high"] else 0
