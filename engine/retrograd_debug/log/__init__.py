"""The log of a run: ring, recorder, SQLite file, reader."""
