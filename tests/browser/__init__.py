"""The real app with the embedded model, driven in Chromium as a person would."""
