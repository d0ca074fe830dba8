"""Builders of this project's own networks and solvers; `scripts/make_configs.py` writes what they return.

A message is a dict of its fields, a layer is such a dict, a network is a dict of titled lists of layers. `text` prints
them, `layers` has one function a layer type, and the other modules put layers together to networks.
"""
