"""Experience: how each touchpoint went for people, what they looked for in vain, and one customer's own curve."""
