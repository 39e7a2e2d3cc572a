"""Make the example reports of this folder anew, and their pictures.

    python reports/examples/make_reports.py --cohort <PTB-XL directory>

Audits the published recipe and the reference model on fold 9, probes fitted on folds 1-8, and the
reference model on 150 people of fold 9 alone, each with seed 0. What is committed leaves out the
recorded beats that a report shows otherwise: people's recordings stay with their publisher. The
pictures need Playwright and a Chromium (pip install -e '.[dev]').
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from axis_audit.cohorts import open_cohort
from axis_audit.report.page import write_page
from axis_audit.report.reading import read, report_of

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CHECKPOINTS = ROOT / "model" / "checkpoints"
FEW = 150
"""People of the cohort that is too small."""
WIDTH, HEIGHT = 1200, 800


def few_people(source: Path, path: Path) -> None:
    """Write the median beats of fold 9's first people as a cohort of one's own."""
    cohort = open_cohort(str(source), folds=(9,), kind="beat").with_known_age().one_per_patient()
    few = cohort.subset(np.arange(len(cohort)) < FEW)
    np.savez(
        path, signals=few.signals, rate=few.rate, leads=np.array(few.leads), kind="beat",
        r_index=few.r_index, age=few.age, patient_ids=few.patient_ids, sex=few.sex,
    )  # fmt: skip


def audit(checkpoint: Path, arguments: list[str], folder: Path) -> dict[str, Any]:
    """The record of one audit by pytest."""
    command = [sys.executable, "-m", "pytest", "-q", "--checkpoint", str(checkpoint)]
    subprocess.run(
        [*command, *arguments, "--report-dir", str(folder)],
        cwd=ROOT, check=False, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return dict(read(folder / checkpoint.stem / "audit.json"))


def without_recordings(figure: dict[str, Any]) -> dict[str, Any]:
    """A figure, and those that go with it, less the one that shows recorded beats."""
    more = [f for f in figure.get("more", []) if f["kind"] != "beats"]
    if figure.get("kind") == "beats":
        return {**more[0], "more": more[1:]} if more else {}
    return {**figure, "more": more} if "more" in figure else figure


def picture(page: Path) -> None:
    """A picture of the first screen, beside the page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        view = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        view.goto(page.absolute().as_uri())
        view.screenshot(path=page.with_suffix(".png"))
        browser.close()


def main() -> None:
    """Audit, draw, take pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cohort", type=Path, required=True, help="the PTB-XL directory")
    options = parser.parse_args()
    people = ["--cohort", str(options.cohort), "--folds", "9", "--fit-folds", "1-8"]
    with tempfile.TemporaryDirectory() as temporary:
        few = Path(temporary) / "few_people.npz"
        few_people(options.cohort, few)
        audits = {
            "published": (CHECKPOINTS / "deformation_published.pth", people),
            "reference": (CHECKPOINTS / "deformation.pth", people),
            "too_small": (CHECKPOINTS / "deformation.pth", ["--cohort", str(few)]),
        }
        for name, (checkpoint, arguments) in audits.items():
            record = audit(checkpoint, arguments, Path(temporary) / name)
            text = json.dumps(record).replace(str(options.cohort), "ptb-xl")
            record = json.loads(text.replace(str(few), few.name).replace(f"{ROOT}/", ""))
            for finding in record["findings"]:
                finding["figure"] = without_recordings(finding["figure"])
            write_page(report_of(record), HERE / f"{name}.html", {})
            picture(HERE / f"{name}.html")
            print(f"{name}: {record['verdict']}, {HERE / name}.html", flush=True)


if __name__ == "__main__":
    main()
