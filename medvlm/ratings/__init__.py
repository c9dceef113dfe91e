"""Clinicians' verdicts: what a rating is (`records`), where it is kept (`store`), and how it comes and goes as files.

Only `database`, `store` and their siblings import SQLAlchemy; `records` and `wire` import nothing heavy.
"""
