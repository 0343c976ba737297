"""Stacks, the program that deploys them, and the local cloud that stands in for AWS."""
