# SPDX-License-Identifier: GPL-2.0-only
"""The error of input that cannot be used."""


class UserError(ValueError):
    """Input of the user cannot be used; the text is a sentence that says what, where and why."""
