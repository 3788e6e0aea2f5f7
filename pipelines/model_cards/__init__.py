"""Model cards: what a model is for, how well it does for whom, what it does not know, made of what training wrote.

`about.py` holds what stays true from training to training, `card.py` puts it beside the figures of one.
"""
