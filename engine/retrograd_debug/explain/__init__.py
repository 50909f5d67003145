"""Answers from logs: what differs between two runs."""
