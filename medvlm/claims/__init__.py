"""What free text claims about a picture, read by rules, and held against other answers and against the truth."""
