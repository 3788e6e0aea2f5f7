"""Campaigns: what a marketer asks for, its life from draft to results, and what is done for it in the background."""
