"""The errors a person can act on: each message names the thing, the value and the next step."""


class UserError(Exception):
    """What the person at the page gave cannot be used; the message says what to do instead."""


class ConfigError(UserError):
    """A setting is wrong; the message names the setting, its value and what is allowed."""


class CheckpointError(UserError):
    """Weights on disk are missing, damaged or do not fit each other; the message says what differs."""


class DatasetError(UserError):
    """A data set is missing or malformed; the message says where to get it and where to put it."""


class StoreError(UserError):
    """A rating could not be kept or read; what was to be kept must stay where it is, to be submitted again."""
