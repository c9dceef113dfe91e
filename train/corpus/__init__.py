"""From papers to figures with captions, mentions and licences: `python -m train corpus SOURCE --out FOLDER`."""
