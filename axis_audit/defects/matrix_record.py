"""What the kill matrix says: killed defects, surviving ones, and how often clean twins FAIL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from axis_audit.decision import FAIL_ALPHA
from axis_audit.defects.catalogue import Defect
from axis_audit.finding import Verdict
from axis_audit.report.records import plain

FORMAT = "axis-audit/kill-matrix/1"
BRIEF = "axis-audit/kill-summary/1"
CLEAN = "clean twin"
_BAD = frozenset({Verdict.FAIL, Verdict.ERROR})
Piece = dict[str, Any]


def summarise(
    settings: Mapping[str, Any], defects: Sequence[Defect], done: Mapping[str, Piece]
) -> dict[str, Any]:
    """The record of kill_matrix.json from finished audits."""
    from axis_audit.auditing import versions
    from axis_audit.registry import all_checks

    checks = all_checks()
    rows = [_defect_row(d, done[f"defect {d.name}"]) for d in defects]
    found = {s: done[f"twin {s}"] for s in range(settings["twins"])}
    clean = _clean_twins(found, checks)
    survivors = [row["name"] for row in rows if not row["killed"]]
    complaints = [f"defect {name} survives" for name in survivors] + clean.pop("complaints")
    reference = done.get(CLEAN, {"checks": {}, "seconds": 0.0, "cpu_seconds": 0.0})
    audits = [reference, *(done[f"defect {d.name}"] for d in defects), *found.values()]
    return {
        "format": FORMAT,
        "settings": plain(settings),
        "ok": not complaints,
        "complaints": complaints,
        "checks": [
            {"id": c.id, "claim": c.claim, "gate": c.gate, "exact": c.exact} for c in checks
        ],
        "clean": {"name": CLEAN, **reference},
        "defects": rows,
        "survivors": survivors,
        "twins": clean,
        "audit_seconds": round(sum(a["seconds"] for a in audits), 1),
        "cpu_seconds": round(sum(a["cpu_seconds"] for a in audits), 1),
        "versions": versions(),
    }


def _defect_row(defect: Defect, piece: Piece) -> dict[str, Any]:
    named = piece["checks"].get(defect.fails, {}).get("verdict")
    return {
        "name": defect.name,
        "story": defect.story,
        "breaks": defect.breaks,
        "fails": defect.fails,
        "killed": named == Verdict.FAIL,
        **piece,
    }


def _clean_twins(found: Mapping[int, Piece], checks: Sequence[Any]) -> dict[str, Any]:
    from scipy.stats import binom

    # Thorough checks are not put to twins.
    checks = [c for c in checks if any(c.id in p["checks"] for p in found.values())]
    gates = {c.id for c in checks if c.gate}
    deciding = gates | {c.id for c in checks if c.condemns}
    exact = {c.id for c in checks if c.exact}
    counts = {
        c.id: {
            str(v): sum(p["checks"][c.id]["verdict"] == v for p in found.values()) for v in Verdict
        }
        for c in checks
    }

    def where(verdicts: Iterable[Verdict], ids: set[str]) -> dict[str, list[str]]:
        hits = {
            str(seed): [i for i, cell in piece["checks"].items()
                        if i in ids and cell["verdict"] in verdicts]
            for seed, piece in found.items()
        }  # fmt: skip
        return {seed: which for seed, which in hits.items() if which}

    failed, exactly = where(_BAD, deciding), where(_BAD, exact)
    allowed = int(binom.ppf(0.99, len(found), FAIL_ALPHA)) if found else 0
    complaints = [f"twin {s}: exact checks FAIL: {', '.join(w)}" for s, w in exactly.items()]
    if len(failed) > allowed:
        complaints.append(f"{len(failed)} of {len(found)} clean twins FAIL; at most {allowed} may")
    return {
        "count": len(found),
        "allowed": allowed,
        "failed": failed,
        "with_failed_report": where(_BAD, {c.id for c in checks} - deciding),
        "with_inconclusive_gate": where([Verdict.INCONCLUSIVE], gates),
        "exact_failures": exactly,
        "verdicts": counts,
        "complaints": complaints,
    }


def closing_lines(record: Mapping[str, Any]) -> list[str]:
    """The summary for people."""
    clean, rows = record["twins"], record["defects"]
    lines = [f"{len(rows) - len(record['survivors'])} of {len(rows)} planted defects killed"]
    if clean["count"]:
        lines.append(
            f"{len(clean['failed'])} of {clean['count']} clean twins FAIL "
            f"(at most {clean['allowed']} may), {len(clean['with_failed_report'])} what is only "
            f"reported; "
            f"{len(clean['with_inconclusive_gate'])} are INCONCLUSIVE on a gate"
        )
    lines += [f"NOT OK: {complaint}" for complaint in record["complaints"]]
    lines.append(
        f"{record['audit_seconds']:.0f} s of audits ({record['cpu_seconds']:.0f} s of processor): "
        f"{'ok' if record['ok'] else 'NOT ok'}"
    )
    return lines


def brief(record: Mapping[str, Any]) -> dict[str, Any]:
    """What reports of audits print of a kill matrix (`report/data/kill_summary.json`)."""
    named: dict[str, list[bool]] = {}
    for row in record["defects"]:
        named.setdefault(row["fails"], []).append(bool(row["killed"]))
    twins = record["twins"]
    return {
        "format": BRIEF,
        "settings": record["settings"],
        "versions": record["versions"],
        "checks": {
            check["id"]: {
                "defects": len(named.get(check["id"], [])),
                "killed": sum(named.get(check["id"], [])),
            }
            for check in record["checks"]
        },
        "defects": len(record["defects"]),
        "survivors": list(record["survivors"]),
        "twins": {
            "count": twins["count"],
            "failed": len(twins["failed"]),
            "allowed": twins["allowed"],
            "inconclusive": len(twins["with_inconclusive_gate"]),
        },
    }
