# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel is like: which of the recorded changes it has, found by asking it.

``questions`` are short programs on which the model says that a change makes a difference.
``asking`` runs them on the running kernel, and ``inference`` finds the changes with which the model
gives the same answers.  No answer is written down here: what an answer means, the model decides.
"""
