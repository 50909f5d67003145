"""The debugger's end of a run: launch, commands, snapshots."""
