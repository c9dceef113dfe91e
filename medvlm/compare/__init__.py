"""Two answers without names: the ballot, one case with its sides, and what keeps an answer from naming itself."""
