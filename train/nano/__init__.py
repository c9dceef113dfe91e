"""Nano, from nothing: tower, reader and teller, words for a fresh projector, and the stages that make nano-med."""
