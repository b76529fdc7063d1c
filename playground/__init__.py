# SPDX-License-Identifier: GPL-2.0-only
"""Python in the pages of the site: what runs the examples and programs there, and its bundle.

``bundle`` makes the scripts that a page loads, and ``node`` asks Pyodide without a browser.
``answers`` and the modules that it imports run in the browser, and use nothing but the model and
the standard library.
"""
