"""The only place that knows everybody: it loads, compiles, and hands the parts to each other.

Here, and nowhere below, the clock, the environment and the caller's files are read.
"""
