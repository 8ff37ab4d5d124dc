"""Reports: a template is run headless, rendered to one HTML file, and joins the gallery."""

from aiopslab.reports.addresses import newest_of
from aiopslab.reports.catalogue import Template, find, templates
from aiopslab.reports.record import Record

__all__ = ["Record", "Template", "find", "newest_of", "templates"]
