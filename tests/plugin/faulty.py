"""Three tiny checks, the second of which has a fault, and a model that needs no torch."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from axis_audit import registry

CONFTEST = """
import os, time
import axis_audit.checks
from axis_audit import Measurement, Within, check
from axis_audit.capabilities import Encodes

def fault(kind):
    if kind == "slow": time.sleep(60)
    if kind == "sys.exit": raise SystemExit(0)
    if kind == "os._exit": os._exit(0)
    if kind == "BaseException": raise BaseException("odd")
    if kind == "pytest.skip":
        import pytest; pytest.skip("no thanks")
    if kind == "segfault":
        import faulthandler; faulthandler._sigsegv()
    if kind == "RuntimeError": raise RuntimeError("boom")
    if kind == "KeyboardInterrupt": raise KeyboardInterrupt
    if kind == "deleted": os.remove("model.bin")
    if kind == "changed": open("model.bin", "a").write("x")

def measured(evidence, name):
    with open("ran", "a") as stream: stream.write(name)
    return Measurement.exactly(0.0, n=evidence.n, n_patients=evidence.n)

how = dict(acceptable=Within(0, 1), family="integrity", exact=True)

@check(claim="comes first", **how)
def fault_a(model: Encodes, evidence): return measured(evidence, "a")

@check(claim="has the fault", **how)
def fault_b(model: Encodes, evidence):
    made = measured(evidence, "b")
    fault(os.environ.get("AUDIT_FAULT", ""))
    return made

@check(claim="comes last", **how)
def fault_c(model: Encodes, evidence): return measured(evidence, "c")
"""
MODEL = """
from axis_audit.capabilities import InputSpec
from axis_audit.cohort import LEADS

class Model:
    kind, claims = "faulty", frozenset({"integrity"})
    input_spec = InputSpec("beat", LEADS, 100.0, 120, 40)
    def encode(self, signals): return signals[:, 0, :4].copy()

def load(path): return Model()
"""
GATES = "integrity.fault_a,integrity.fault_b,integrity.fault_c"
ARGUMENTS = [
    "--checkpoint=model.bin", "--checkpoint-adapter=faulty_model:load", "--cohort=people.npz",
    f"--gate={GATES}", "-k", "fault_", "-p", "no:cacheprovider",
]  # fmt: skip
REPORT = Path("reports/model/audit.json")
SCHEMA = json.loads((Path(registry.__file__).parent / "report/audit.schema.json").read_text())
B, C = "integrity.fault_b", "integrity.fault_c"


def report() -> dict:
    audit = json.loads(REPORT.read_text())
    jsonschema.validate(audit, SCHEMA)
    return audit


def verdicts(audit: dict) -> dict[str, str]:
    return {f["id"].removeprefix("integrity.fault_"): f["verdict"] for f in audit["findings"]}


def unfinished(audit: dict, named: set[str]) -> None:
    assert audit["verdict"] != "PASS"
    assert not audit["finished"]
    assert audit["stopped"]
    assert named <= set(audit["not_run"])
    assert named <= set(audit["missing"])
