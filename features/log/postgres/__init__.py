"""The live store in PostgreSQL: the same statements, another engine. Imported only where the settings name it."""
