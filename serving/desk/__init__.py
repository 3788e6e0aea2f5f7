"""The staff's side: who is held and why, whom to call, what goes wrong for many, and what silence costs."""
