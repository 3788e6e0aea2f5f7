"""The lookout: looks at everybody, in a process of its own, so that the process that decides need not."""
