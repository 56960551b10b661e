"""Contracts that plugins prove themselves with."""
