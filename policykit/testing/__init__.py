"""Contracts that plugins and policies prove themselves with."""
