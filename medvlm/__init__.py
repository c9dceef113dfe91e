"""MedVLM: talk about a scan, compare a base model with a tuned one, and keep the scores honest."""

__version__ = "0.1.0"

# Shown on the page, in every export and in every saved record.
NOT_FOR_DIAGNOSIS = "Research demo. Not for diagnosis."
