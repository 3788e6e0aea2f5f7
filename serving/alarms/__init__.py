"""Alarms: where unhappy customers are suddenly more than by chance, told to a person, who declares the incident."""
