"""Data to learn from, written by a teacher that reads what is known of a picture and never sees it."""
