// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Freeze a map once, through a writable descriptor. */
/* [begin shown] */
#include <stdbool.h>

#include <bpf/bpf.h>

int freeze_once(int map, bool *frozen)
{
	int err;

	if (*frozen)
		return 0;
	err = bpf_map_freeze(map);
	*frozen = !err;
	return err;
}
/* [end shown] */
