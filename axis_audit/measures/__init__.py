"""Formulas in pure numpy, one a module, each with its source."""
