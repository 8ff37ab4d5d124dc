"""Runs JupyterLab for as long as the command that started it: ``python -m aiopslab.lab``."""

from jupyterlab.labapp import LabApp

from aiopslab.lab.parent import end_with_parent

if __name__ == "__main__":
    end_with_parent()
    LabApp.launch_instance()
