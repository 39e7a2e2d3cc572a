"""Probes that try to read a target out of latents, and the calibration of what they find."""
