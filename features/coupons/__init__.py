"""Coupons sent in campaigns: who got which, what she bought before, and what tells which one she will use."""
