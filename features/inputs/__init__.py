"""What models are given, and how trained models are evaluated: the same for training and serving."""
