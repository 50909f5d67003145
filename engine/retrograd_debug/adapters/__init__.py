"""Sources of events, loaded in the debuggee only."""
