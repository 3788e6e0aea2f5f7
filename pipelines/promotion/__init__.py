"""Promotion, a concern a module: what is known of a challenger, what it would decide, which windows are used up."""
