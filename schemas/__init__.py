"""The declaration language: models, a loader that knows every line, and the rules across files."""
