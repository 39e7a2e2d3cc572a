"""The published recipe of the deformation system: one network, correlation penalties on leakage.

It leaks, and is kept to show that the audit says so; `model.deformation` is the recipe that does
not. What is published and what was chosen here stands at the head of each module.
"""
