"""The simple, well-known methods ours must stand beside, written from their definitions and fed the raw purchases."""
