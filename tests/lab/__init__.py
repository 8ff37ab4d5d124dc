"""Tests of the workspace in JupyterLab."""
