"""Age as a one-dimensional deformation of a neutral beat: x = D(z) + g(a)·B.

`network` and `spline` hold the model, `objective` the losses, `routing` which parameters each may
reach, `train` the stages, `adapter` the model as the audit sees it. What is published and what was
chosen here stands at the head of each module.
"""
