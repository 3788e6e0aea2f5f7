"""What we learn: labels, datasets, models, metrics, promotion gates."""
