# SPDX-License-Identifier: GPL-2.0-only
"""Whether a program is affected: what its compiled objects and its sources show.

The steps are modules: find the ELF images in a file, read their maps and programs, follow values
through their code, ask the model on all releases, match the stories, and report.
"""
