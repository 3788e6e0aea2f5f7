"""What we know: the shared words here, and four rooms.

`log`: what happened, the door, who is who. `customer`: facts folded into state, holds, the view at a moment.
`feature_store`: batch features, Feast, packed records. `inputs`: what models are given, and how they are evaluated.
"""
