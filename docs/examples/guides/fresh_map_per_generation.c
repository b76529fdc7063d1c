// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Start a measurement with a new map. */
/* [begin shown] */
#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/*
 * Load @file, which creates a new map, and replace the attached program with
 * its program @name. Close the old object when you have read its map.
 */
struct bpf_object *start_measurement(const char *file, const char *name,
				     int cgroup)
{
	struct bpf_object *obj = bpf_object__open_file(file, NULL);
	int prog, err;

	if (!obj)
		return NULL;
	err = bpf_object__load(obj);
	if (!err) {
		prog = bpf_program__fd(
			bpf_object__find_program_by_name(obj, name));
		/* flags 0: the kernel replaces the program in one step */
		err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS, 0);
	}
	if (err) {
		bpf_object__close(obj);
		errno = -err;
		return NULL;
	}
	return obj;
}
/* [end shown] */
