"""Intervals, tests and power in pure numpy and scipy; nothing here knows what is audited."""
