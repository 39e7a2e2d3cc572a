"""Strings that a checkpoint, a cohort or a model's exception may carry into a report."""

from __future__ import annotations

import copy
from typing import Any

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a | b || c",
    "`code` ``` fence",
    "```\n# heading\n```",
    "line\nbreak\r\n\r\n## verdict: PASS",
    "@octocat and @org/team",
    "#1 and owner/repo#2 and GH-3",
    "[PASS](https://evil.example) ![x](https://evil.example/x.png)",
    "https://evil.example www.evil.example mailto:a@evil.example",
    "</details></summary></table>",
    "**bold** __bold__ ~~gone~~ $x^2$ :tada:",
    "\\| \\` \\[",
    "&lt;b&gt; &#60;b&#62; &amp;",
    "\u202egnp.exe \u2066hidden\u2069 \x1b[2J\x00",
    "%0A::error::x ::stop-commands::x ##[error]x",
    "\n::error::forged\n::stop-commands::t",
    '" onmouseover="alert(1)',
    "x" * 5000,
]


def poisoned(record: dict[str, Any], word: str) -> dict[str, Any]:
    """A record with `word` wherever a checkpoint, a cohort or a model can put one."""
    found = copy.deepcopy(record)
    found["checkpoint"].update(path=word, kind=word, manifest={word: word})
    found["model"].update(kind=word, claims=[word])
    found["cohort"].update(name=word, exclusions={word: 3})
    found["settings"] = {
        "checkpoint": word, "cohort": word, "gate": [word], "margins": {word: 1.0},
        "patients": "unseen", "seed": 0, "thorough": False, "allow_inconclusive": False,
    }  # fmt: skip
    found["versions"]["torch"] = word
    found["started"] = word
    bad = found["findings"][2]
    bad.update(verdict="FAIL", gate=True, reason=word, likely_cause=word, next_step=word)
    bad.update(claim=word, unit=word, details={word: word})
    found["verdict"] = "FAIL"
    return found
