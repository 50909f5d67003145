"""The start page: open a script or a run, examples, recent runs, keys worth knowing."""
