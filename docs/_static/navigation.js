/* SPDX-License-Identifier: GPL-2.0-only */
/* Starts the menu of sphinx_rtd_theme; docs/_ext/policy.py puts it in place of an inline script. */
jQuery(() => SphinxRtdTheme.Navigation.enable(true));
