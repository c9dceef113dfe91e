"""Reader studies: who reads which cases in which order (`order`), with what answers (`answering`), and how far.

Everything is kept in the ratings' database, so that a study goes on where it was on whatever machine opens it.
"""
