"""Judges asked about a run's answers, what their scores come to, and chat tests to judge on."""
