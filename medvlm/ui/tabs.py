"""The tabs beside the Chat: what each is built with."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import gradio as gr

from medvlm.compare.ballot_box import BallotBox
from medvlm.compare.steps import Comparing, arms_of
from medvlm.config import AppSettings
from medvlm.engine import pairing
from medvlm.page.handout import Handout
from medvlm.page.host import Host
from medvlm.page.keeping import Holding
from medvlm.ratings.records import Candidate
from medvlm.ratings.store import RatingStore
from medvlm.scoreboard.run_shelf import RunShelf
from medvlm.studies.answering import local_candidates, served_candidates
from medvlm.types import Arm
from medvlm.ui import compare_tab, ratings_tab, scores_tab
from medvlm.ui.frame import Frame


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: its name, and what fills it inside the `gr.Tab` that is open."""

    name: str
    build: Callable[[gr.Blocks, Frame], Any]


def beside(host: Host, handout: Handout, holding: Holding, chosen: AppSettings) -> tuple[Tab, ...]:
    """Compare, Scores and Ratings. The ratings are opened when somebody votes or looks, and then by all together."""
    store = cache(RatingStore)
    comparing = Comparing(host, arms_of(lambda: candidates(chosen)), pairing.stream, BallotBox(store).keep)
    compare = compare_tab.CompareRoom(comparing, holding)
    shelf = RunShelf()
    scores, ratings = scores_tab.ScoresRoom(shelf), ratings_tab.RatingsRoom(store, handout, shelf=shelf)
    return (
        Tab("Compare", lambda blocks, frame: compare_tab.build(compare, blocks, frame)),
        Tab("Scores", lambda blocks, _: scores_tab.build(scores, blocks)),
        Tab("Ratings", lambda blocks, _: ratings_tab.build(ratings, blocks)),
    )


def candidates(chosen: AppSettings) -> dict[Arm, Candidate]:
    """Who answers with these settings, as ratings name them."""
    if chosen.endpoint:
        return served_candidates(chosen.endpoint, chosen.base, chosen.tuned)
    return local_candidates(chosen.base, None if chosen.adapter == "none" else chosen.adapter, chosen.quantization)
