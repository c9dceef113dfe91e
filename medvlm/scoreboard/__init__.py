"""Runs as the Scores tab shows them: columns, two sides compared, cases, sentences and the line of trust."""
