"""Every score of nano's model card, for one stage's adapter, and the card itself."""
