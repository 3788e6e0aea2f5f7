"""Promotion gates: what a challenger must show before customers see it. A file a kind of model, one for the policy.

Each gate is a figure and a limit; all are evaluated, and each says by how much it was missed.
"""
