"""Kernels: a report's kernel is forked from one that has imported what reports need."""

from aiopslab.kernels.availability import NAME, kernel_name, warm_up

__all__ = ["NAME", "kernel_name", "warm_up"]
