"""The type of the bundle by which a notebook tells what it has looked at."""

EVIDENCE_MIME = "application/vnd.aiopslab.evidence+json"
