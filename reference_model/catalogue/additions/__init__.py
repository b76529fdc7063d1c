# SPDX-License-Identifier: GPL-2.0-only
"""What newer kernels have and older ones lack, one module each."""
