"""Benchmarks: every `bench_*.py` here offers `run(smoke) -> rows`; `python -m tests.bench` runs them all."""
