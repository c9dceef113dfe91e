"""What ratings come to: who won and how sure, whether the blinding held, and who may look."""
