"""The eight services of the assistant, one module each, on one shared frame (`app`)."""

SERVICES = (
    "gateway",
    "auth",
    "cache",
    "classifier",
    "retriever",
    "llm",
    "database",
    "indexer",
)
