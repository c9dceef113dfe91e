"""What becomes of a checkpoint: tried as the app does, its card, merged, compared, sent to a hub."""
