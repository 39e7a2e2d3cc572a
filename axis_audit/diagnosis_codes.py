"""What the codes of other hospitals say of the disease families. Fixed before any result was seen.

A code is *sure* of a family (a positive), *unsure* of it (neither positive nor negative: such a
record is left out), or says nothing of it. Titles are those of the Challenge's list.

Which code belongs where follows PTB-XL's own superclasses where it has the statement (prolonged QT
is of STTC there, pre-excitation of CD, enlarged atria of HYP) and the AHA/ACCF/HRS recommendations
of 2009 elsewhere: part III conduction (Surawicz), IV repolarisation (Rautaharju), V hypertrophy
(Hancock), VI ischaemia and infarction (Wagner).

- Sure of MI is what says infarction. Ischaemia, Q waves, ST elevation and poor R waves may be one.
- ST elevation may be an injury, pericarditis or a young man's early repolarisation: unsure.
- Voltage alone (high voltage, tall P, strain) is no hypertrophy, but nobody's negative.
- A long PR without the word block, a fragmented or abnormal QRS, escape rhythms: unsure of CD.
- A ventricle that is paced, flutters or fibrillates shows none of the four: unsure of all.

Codes: SNOMED CT as the Challenge of 2021 lists them with counts by source (dx_mapping_scored.csv
and dx_mapping_unscored.csv in github.com/physionetchallenges/evaluation-2021; Reyna et al. 2021);
and the nine abbreviations of CPSC 2018 (Liu et al., J. Medical Imaging and Health Informatics
8:1368, 2018), which some headers have kept.
"""

from __future__ import annotations

from dataclasses import dataclass

ALL = "MI STTC CD HYP"


@dataclass(frozen=True)
class Code:
    """A diagnosis code and the families it is sure or unsure of."""

    code: str
    title: str
    sure: frozenset[str]
    unsure: frozenset[str]


@dataclass(frozen=True)
class Source:
    """Where codes come from, and the families whose absence it does not state.

    A family is silent where the source gave its sure codes to less than one record in 500
    (counts of the Challenge's list), or for the reason written beside it.
    """

    name: str
    silent: frozenset[str] = frozenset()


def _code(code: str, title: str, sure: str = "", unsure: str = "") -> Code:
    return Code(code, title, frozenset(sure.split()), frozenset(unsure.split()))


SNOMED: tuple[Code, ...] = (
    # Infarction.
    _code("164865005", "myocardial infarction", "MI"),
    _code("57054005", "acute myocardial infarction", "MI"),
    _code("54329005", "anterior myocardial infarction", "MI"),
    _code("164867002", "old myocardial infarction", "MI"),
    _code("164917005", "Q wave abnormal", "", "MI"),
    _code("365413008", "poor R wave progression", "", "MI"),
    _code("164921003", "R wave abnormal", "", "MI HYP"),
    _code("53741008", "coronary heart disease", "", "MI STTC"),
    # Repolarisation and ischaemia.
    _code("164861001", "myocardial ischemia", "STTC", "MI"),
    _code("413444003", "acute myocardial ischemia", "STTC", "MI"),
    _code("413844008", "chronic myocardial ischemia", "STTC", "MI"),
    _code("426434006", "anterior ischemia", "STTC", "MI"),
    _code("425419005", "inferior ischaemia", "STTC", "MI"),
    _code("425623009", "lateral ischaemia", "STTC", "MI"),
    _code("428750005", "nonspecific ST T abnormality", "STTC"),
    _code("55930002", "S T changes", "STTC"),
    _code("164930006", "ST interval abnormal", "STTC"),
    _code("429622005", "ST depression", "STTC"),
    _code("704997005", "inferior ST segment depression", "STTC"),
    _code("164934002", "T wave abnormal", "STTC"),
    _code("59931005", "T wave inversion", "STTC"),
    _code("111975006", "prolonged QT interval", "STTC"),
    _code("370365005", "left ventricular strain", "STTC", "HYP"),
    _code("164931005", "ST elevation", "", "MI STTC"),
    _code("428417006", "early repolarization", "", "STTC"),
    _code("251259000", "high T voltage", "", "STTC"),
    _code("77867006", "decreased QT interval", "", "STTC"),
    _code("164937009", "U wave abnormal", "", "STTC"),
    _code("418818005", "Brugada", "", "STTC CD"),
    # Conduction.
    _code("270492004", "1st degree AV block", "CD"),
    _code("195042002", "2nd degree AV block", "CD"),
    _code("54016002", "Mobitz type I Wenckebach atrioventricular block", "CD"),
    _code("426183003", "Mobitz type II atrioventricular block", "CD"),
    _code("27885002", "complete heart block", "CD"),
    _code("204384007", "congenital incomplete atrioventricular heart block", "CD"),
    _code("233917008", "AV block", "CD"),
    _code("6374002", "bundle branch block", "CD"),
    _code("164909002", "left bundle branch block", "CD"),
    _code("733534002", "complete left bundle branch block", "CD"),
    _code("251120003", "incomplete left bundle branch block", "CD"),
    _code("59118001", "right bundle branch block", "CD"),
    _code("713427006", "complete right bundle branch block", "CD"),
    _code("713426002", "incomplete right bundle branch block", "CD"),
    _code("445118002", "left anterior fascicular block", "CD"),
    _code("445211001", "left posterior fascicular block", "CD"),
    _code("698252002", "nonspecific intraventricular conduction disorder", "CD"),
    _code("82226007", "diffuse intraventricular block", "CD"),
    _code("74390002", "Wolff Parkinson White pattern", "CD"),
    _code("195060002", "ventricular pre excitation", "CD"),
    _code("164947007", "prolonged PR interval", "", "CD"),
    _code("49578007", "shortened PR interval", "", "CD"),
    _code("50799005", "atrioventricular dissociation", "", "CD"),
    _code("65778007", "sinoatrial block", "", "CD"),
    _code("164951009", "abnormal QRS", "", "CD"),
    _code("164942001", "fQRS wave", "", "CD"),
    _code("49260003", "idioventricular rhythm", "", "CD"),
    _code("61277005", "accelerated idioventricular rhythm", "", "CD"),
    _code("81898007", "ventricular escape rhythm", "", "CD"),
    # Chambers.
    _code("164873001", "left ventricular hypertrophy", "HYP"),
    _code("89792004", "right ventricular hypertrophy", "HYP"),
    _code("266249003", "ventricular hypertrophy", "HYP"),
    _code("195126007", "atrial hypertrophy", "HYP"),
    _code("446813000", "left atrial hypertrophy", "HYP"),
    _code("446358003", "right atrial hypertrophy", "HYP"),
    _code("67741000119109", "left atrial enlargement", "HYP"),
    _code("253352002", "left atrial abnormality", "HYP"),
    _code("253339007", "right atrial abnormality", "HYP"),
    _code("55827005", "left ventricular high voltage", "", "HYP"),
    _code("67751000119106", "right atrial high voltage", "", "HYP"),
    _code("251223006", "tall P wave", "", "HYP"),
    _code("251205003", "prolonged P wave", "", "HYP"),
    _code("164912004", "P wave change", "", "HYP"),
    # Nothing can be read.
    _code("10370003", "pacing rhythm", "", ALL),
    _code("251266004", "ventricular pacing pattern", "", ALL),
    _code("164895002", "ventricular tachycardia", "", ALL),
    _code("425856008", "paroxysmal ventricular tachycardia", "", ALL),
    _code("164896001", "ventricular fibrillation", "", ALL),
    _code("111288001", "ventricular flutter", "", ALL),
    _code("251139008", "suspect arm ECG leads reversed", "", ALL),
)
"""SNOMED CT codes that say something; the others (rhythms, axes, extra beats) say nothing."""

CPSC: tuple[Code, ...] = (
    _code("Normal", "normal"),
    _code("AF", "atrial fibrillation"),
    _code("I-AVB", "first degree atrioventricular block", "CD"),
    _code("LBBB", "left bundle branch block", "CD"),
    _code("RBBB", "right bundle branch block", "CD"),
    _code("PAC", "premature atrial contraction"),
    _code("PVC", "premature ventricular contraction"),
    _code("STD", "ST segment depression", "STTC"),
    _code("STE", "ST segment elevation", "", "MI STTC"),
)

SCP_STATEMENTS = frozenset(
    (
        "NDT", "NST_", "DIG", "LNGQT", "NORM", "IMI", "ASMI", "LVH", "LAFB", "ISC_", "IRBBB",
        "1AVB", "IVCD", "ISCAL", "CRBBB", "CLBBB", "ILMI", "LAO/LAE", "AMI", "ALMI", "ISCIN",
        "INJAS", "LMI", "ISCIL", "LPFB", "ISCAS", "INJAL", "ISCLA", "RVH", "ANEUR", "RAO/RAE",
        "EL", "WPW", "ILBBB", "IPLMI", "ISCAN", "IPMI", "SEHYP", "INJIN", "INJLA", "PMI", "3AVB",
        "INJIL", "2AVB", "ABQRS", "PVC", "STD_", "VCLVH", "QWAVE", "LOWT", "NT_", "PAC", "LPR",
        "INVT", "LVOLT", "HVOLT", "TAB_", "STE_", "PRC(S)", "SR", "AFIB", "STACH", "SARRH",
        "SBRAD", "PACE", "SVARR", "BIGU", "AFLT", "SVTAC", "PSVT", "TRIGU",
    )
)  # fmt: skip
"""The 71 statements of PTB-XL (scp_statements.csv): what tells its vocabulary."""

SOURCES: tuple[Source, ...] = (
    # Nine classes, with no infarction, no hypertrophy, no T wave among them.
    Source("CPSC 2018", frozenset(("MI", "STTC", "HYP"))),
    Source("CPSC extra"),
    Source("Georgia", frozenset(("MI",))),  # 7 of 10,344
    Source("Chapman-Shaoxing or Ningbo"),
    # One diagnosis a patient, the reason for admission: infarction is stated or excluded.
    Source("PTB", frozenset(("STTC", "CD", "HYP"))),
    # Half-hour strips of 32 people, annotated beat by beat for arrhythmia.
    Source("INCART", frozenset(ALL.split())),
)
"""Published sources by the name that `cohorts.cinc` gives as a record's site."""
