"""Two audits side by side: what got worse or better, beyond noise."""
