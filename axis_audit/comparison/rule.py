"""When an estimate has moved: the rule that tells a change from noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from axis_audit.finding import Interval, Region

ROUNDING = 1e-6
"""Relative difference of two numbers that single precision on two machines may make."""
TRIFLE = 1e-3
"""A change smaller than this share of the margin is none, however narrow the intervals."""


class Move(StrEnum):
    """Which way an estimate went, towards or beyond its margin being worse."""

    WORSE = "worse"
    BETTER = "better"
    NOISE = "within noise"
    SAME = "same"
    UNKNOWN = "not compared"


@dataclass(frozen=True)
class Reading:
    """A number as one report gives it; `interval` is that of the FAIL level, .05 / m a side."""

    estimate: float
    interval: Interval


@dataclass(frozen=True)
class Change:
    """How far an estimate moved away from the region's inside, and how far noise moves it."""

    move: Move
    by: float = 0.0
    noise: float = 0.0


def shortfall(value: float, region: Region) -> float:
    """How far a value lies beyond its region's nearer end; negative inside."""
    # An infinite end is never fallen short of, even by an interval's infinite end (∞ - ∞).
    below = -math.inf if math.isinf(region.low) else region.low - value
    above = -math.inf if math.isinf(region.high) else value - region.high
    return max(below, above)


def common_region(old: Region, new: Region) -> Region | None:
    """Where both reports accept a value, or None if nowhere; whichever is named first."""
    low, high = max(old.low, new.low), min(old.high, new.high)
    return Region(low, high, new.unit) if low <= high else None


def compare_estimates(old: Reading, new: Reading, region: Region) -> Change:
    """Tell a change of an estimate from noise.

    The change is measured as shortfall, so that it is worse when it goes towards the margin or
    beyond, whichever side that is on. Noise is that of the difference of two independent estimates,
    recovered from the arms of the two intervals that face each other (MOVER: Zou & Donner 2008,
    Stat. Med. 27:1693): `sqrt(arm_old² + arm_new²)`. At the intervals' level, .05 / m a side, the m
    checks that may FAIL call two audits of one model worse at most 5 % of the time, all together.
    On the same people the two estimates go together, and the difference has less noise than that:
    conservative.

    An exact reading has arms of zero: any change beyond rounding counts.
    """
    if math.isinf(region.low) and math.isinf(region.high):
        return Change(Move.UNKNOWN)
    before, after = shortfall(old.estimate, region), shortfall(new.estimate, region)
    by = after - before
    if not math.isfinite(by):
        return Change(Move.UNKNOWN)
    if abs(by) <= _tolerance(old, new, region):
        return Change(Move.SAME, by)
    worse, better = (new, old) if by > 0 else (old, new)
    noise = math.hypot(_arm(worse, region, upward=False), _arm(better, region, upward=True))
    if abs(by) <= noise:
        return Change(Move.NOISE, by, noise)
    return Change(Move.WORSE if by > 0 else Move.BETTER, by, noise)


def lost_half_its_distance(old: Reading, new: Reading, region: Region) -> bool:
    """Whether an exact value left its region, or lost more than half of its distance to the margin.

    An exact value has no noise of sampling, yet every training moves it: within its region only
    the distance to the margin says whether a change matters.
    """
    before, after = -shortfall(old.estimate, region), -shortfall(new.estimate, region)
    return after < 0 or after < before / 2


def _tolerance(old: Reading, new: Reading, region: Region) -> float:
    if math.isinf(region.low) or math.isinf(region.high):
        scale = abs(region.high if math.isinf(region.low) else region.low)
    else:
        scale = (region.high - region.low) / 2
    return ROUNDING * max(abs(old.estimate), abs(new.estimate)) + TRIFLE * scale


def _arm(reading: Reading, region: Region, *, upward: bool) -> float:
    """Length of the interval's arm on one side of the estimate, in shortfall."""
    ends = [shortfall(end, region) for end in reading.interval]
    centre = (region.low + region.high) / 2
    if reading.interval[0] < centre < reading.interval[1]:
        ends.append(shortfall(centre, region))
    here, least, most = shortfall(reading.estimate, region), min(ends), max(ends)
    if not least <= here <= most:  # an estimate outside its own interval: trust the width alone
        return max(most, here) - min(least, here)
    return most - here if upward else here - least
