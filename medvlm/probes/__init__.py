"""What is done to a picture or a question to see whether the answer rests on it: for the chat's buttons and for eval.

The chat's checks stand on `inquiry`, whose names are given here. `registry.PROBES` has the probes of evaluation.
"""

from medvlm.probes.inquiry import Brake, Inquiry, Shown, greedy, put

__all__ = ["Brake", "Inquiry", "Shown", "greedy", "put"]
