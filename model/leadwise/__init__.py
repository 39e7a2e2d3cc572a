"""Lead-wise disease classifiers: one encoder for every lead, a head over twelve of its answers."""
