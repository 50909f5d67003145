"""The debug core: agent, log, session, graph; free of Qt."""
