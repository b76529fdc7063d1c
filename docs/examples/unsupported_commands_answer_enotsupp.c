// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Try commands that these maps do not have. EINVAL means that the kernel
 * lacks the command, 524 that it has the command, but not for these maps.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* [begin shown] */
static void try_lookup_and_delete(int counts, int reader)
{
	struct bpf_cgroup_storage_key key = {};
	__u64 packets;
	int err;

	err = bpf_map_lookup_and_delete_elem(counts, &key, &packets);
	show_result("lookup and delete", err);

	/* EPERM: the descriptor is looked at before the map type */
	err = bpf_map_lookup_and_delete_elem(reader, &key, &packets);
	show_result("lookup and delete, read-only", err);
}

static void try_batches(int counts, int reader)
{
	struct bpf_cgroup_storage_key key = {}, next;
	__u32 number = 1;
	__u64 packets;
	int err;

	err = bpf_map_lookup_batch(counts, NULL, &next, &key, &packets,
				   &number, NULL);
	show_result("lookup batch", err);

	number = 1;
	err = bpf_map_delete_batch(reader, &key, &number, NULL);
	show_result("delete batch, read-only", err);
}
/* [end shown] */

int main(void)
{
	const char *file = object_file();
	struct bpf_object *obj;
	int counts, reader, err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	counts = bpf_object__find_map_fd_by_name(obj, "counts");
	reader = bpf_object__find_map_fd_by_name(obj, "reader");
	if (counts < 0 || reader < 0)
		error(1, ENOENT, "counts or reader in %s", file);

	try_lookup_and_delete(counts, reader);
	try_batches(counts, reader);

	bpf_object__close(obj);
	return 0;
}
