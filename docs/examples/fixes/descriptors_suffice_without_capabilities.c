// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A descriptor of a pinned map that cannot write. */
/* [begin shown] */
#include <bpf/bpf.h>

int open_read_only(const char *pin)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_RDONLY);

	return bpf_obj_get_opts(pin, &opts);
}
/* [end shown] */
