"""One lead that speaks for twelve: masked autoencoders a lead, and a space that they share.

`network` and `layers` hold the model, `filters` its linear part, `objective` the losses, `data`
the records, `train` the training, `inference` and `adapter` what a trained system does with whole
records. What is published and what was chosen here stands at the head of each module.
"""
