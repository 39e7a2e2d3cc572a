"""Myocardial infarction from one lead's frozen embedding, beside a network trained on that lead.

A record is positive where a statement of the diagnostic superclass MI has likelihood 100, negative
where it has none; statements that are there but unsure are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from axis_audit.capabilities import AlignsLeads
from axis_audit.cohort import LEADS, Cohort
from axis_audit.errors import CohortError
from model import training
from model.alignment import intervals

STATEMENTS = "scp_statements.csv"
SURE = 100.0
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)
FEWEST = 10
CNN_CHANNELS = (24, 32, 48, 64, 64)
CNN_BATCH, CNN_RATE = 128, 3e-3


def labels(cohort: Cohort, source: Path) -> NDArray[np.float64]:
    """1 infarction, 0 none, NaN unsure; shape (n,).

    Raises:
        CohortError: the source has no scp_statements.csv.
    """
    import pandas as pd

    path = source / STATEMENTS
    if not path.is_file():
        raise CohortError(
            path, "there is no such file", "give PTB-XL's folder; labels come from its statements"
        )
    table = pd.read_csv(path, index_col=0)
    codes = set(table.index[table["diagnostic_class"] == "MI"])
    found = np.zeros(len(cohort))
    for row, diagnoses in enumerate(cohort.diagnoses):
        given = [diagnoses[code] for code in codes & diagnoses.keys()]
        if given:
            found[row] = 1.0 if max(given) >= SURE else np.nan
    return found


def evaluate(
    model: AlignsLeads,
    people: Cohort,
    fitting: Cohort,
    source: Path,
    *,
    cnn_leads: tuple[str, ...] = (),
    cnn_epochs: int = 5,
    progress: bool = True,
) -> dict[str, Any]:
    """Area under the ROC curve per lead, with its patient-level interval.

    Args:
        people: one record each. fitting: records of other people.
        cnn_leads: leads that an end-to-end network is trained on, too (minutes each on one core).

    Raises:
        CohortError: no labels, or fewer than 10 people with or without infarction.
    """
    truth, known = labels(people, source), labels(fitting, source)
    judged, fitted = ~np.isnan(truth), ~np.isnan(known)
    y, y_fit = truth[judged] == 1, known[fitted] == 1
    for name, side in (("judged", y), ("fitting", y_fit)):
        if min(side.sum(), (~side).sum()) < FEWEST:
            raise CohortError(
                f"cohort {people.name!r}",
                f"{int(side.sum())} {name} records with infarction, {int((~side).sum())} without",
                f"at least {FEWEST} of each are needed: choose more folds",
            )
    signals, signals_fit = people.signals[judged], fitting.signals[fitted]
    found: dict[str, Any] = {}
    for lead in tqdm(LEADS, "leads", disable=not progress):
        scores = probe(model.embed(signals_fit, lead), y_fit, model.embed(signals, lead))
        found[lead] = {"embedding": intervals.auc(scores, y)}
        if lead in cnn_leads:
            k = LEADS.index(lead)
            end_to_end = cnn_scores(
                signals_fit[:, k], y_fit, signals[:, k], epochs=cnn_epochs, progress=progress
            )
            found[lead]["cnn"] = intervals.auc(end_to_end, y)
    return {
        "people": len(y),
        "with_infarction": int(y.sum()),
        "fitting_records": len(y_fit),
        "leads": found,
    }


def probe(
    known: NDArray[np.float32], y: NDArray[np.bool_], asked: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Scores of a logistic regression on standardised embeddings, its penalty cross-validated."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
        {"logisticregression__C": PENALTIES},
        scoring="roc_auc",
        cv=3,
    )
    search.fit(known, y)
    return np.asarray(search.decision_function(asked), dtype=np.float64)


def small_cnn() -> nn.Module:
    """Five convolutions, each halving time, and a mean over what is left."""
    layers: list[nn.Module] = []
    inputs = 1
    for outputs in CNN_CHANNELS:
        layers += [
            nn.Conv1d(inputs, outputs, 9, stride=2, padding=4),
            nn.BatchNorm1d(outputs),
            nn.ReLU(),
        ]
        inputs = outputs
    pooled = [nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(inputs, 1)]
    return nn.Sequential(*layers, *pooled)


def cnn_scores(
    known: NDArray[np.float32],
    y: NDArray[np.bool_],
    asked: NDArray[np.float32],
    *,
    epochs: int = 5,
    seed: int = 0,
    progress: bool = True,
) -> NDArray[np.float64]:
    """Scores of a network trained end to end on one lead, in mV about its mean: (n, samples)."""

    def prepared(rows: NDArray[np.float32]) -> torch.Tensor:
        x = torch.from_numpy(np.array(rows, np.float32))
        return (x - x.mean(1, keepdim=True))[:, None]

    x, target = prepared(known), torch.from_numpy(y.astype(np.float32))
    torch.manual_seed(training.derived_seed(seed, "infarction"))
    network = small_cnn()
    optimiser = torch.optim.AdamW(network.parameters(), lr=CNN_RATE, weight_decay=1e-2)
    for epoch in tqdm(range(epochs), "network", leave=False, disable=not progress):
        steps = training.batches(len(x), CNN_BATCH, seed, epoch)
        for step, rows in enumerate(steps):
            factor = training.rate_factor((epoch + step / len(steps)) / epochs)
            for group in optimiser.param_groups:
                group["lr"] = CNN_RATE * factor
            loss = functional.binary_cross_entropy_with_logits(network(x[rows])[:, 0], target[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    network.eval()
    rows = prepared(asked)
    with torch.inference_mode():
        parts = [network(rows[r])[:, 0] for r in training.chunks(len(rows), 256)]
    return torch.cat(parts).double().numpy()
