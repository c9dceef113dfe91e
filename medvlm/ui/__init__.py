"""The page in the browser: the only part of the library that imports Gradio."""
