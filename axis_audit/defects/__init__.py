"""Planted defects: a clean model of known truth, and copies of it broken in one known way each."""
