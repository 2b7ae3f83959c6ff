"""One plan or report in four forms: text, JSON, Markdown, GitHub annotations."""
