"""JupyterLab on a ready workspace: templates, walkthroughs, the report gallery and MLflow.

`aiopslab lab` readies a folder (`workspace`), writes what JupyterLab needs to know (`settings`) and
keeps it running until it is told to stop (`session`). Inside JupyterLab a server extension
(`extension`) and a launcher of a few lines (`labextensions/`) show what there is to open
(`tiles`). MLflow starts when somebody asks for it (`mlflow_ui`).
"""
