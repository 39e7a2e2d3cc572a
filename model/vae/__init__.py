"""A variational autoencoder of single-lead cardiac cycles (Kuznetsov et al. 2021).

Kuznetsov V. V., Moskalenko V. A., Gribanov D. V., Zolotykh N. Yu. Interpretable Feature Generation
in ECG Using a Variational Autoencoder. Frontiers in Genetics 12:638191.
"""
