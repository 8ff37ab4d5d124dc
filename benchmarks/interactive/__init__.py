"""How long a person waits for each gesture of a widget."""
