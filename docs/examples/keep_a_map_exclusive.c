// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Keep a second instance away from a map: pin the map under a fixed name
 * before the program is loaded, and stop if pinning fails.
 */
#include <errno.h>
#include <error.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

#define PIN "/sys/fs/bpf/example_counts"

/* A new map, pinned: its descriptor, or -EEXIST if there is one already. */
static int create_and_pin(void)
{
	int counts, err;

	counts = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "counts",
				sizeof(struct bpf_cgroup_storage_key),
				sizeof(__u64), 0, NULL);
	if (counts < 0)
		error(1, -counts, "create a map");
	err = bpf_obj_pin(counts, PIN);
	if (err) {
		close(counts);
		return err;
	}
	return counts;
}

static void unpin(void)
{
	unlink(PIN);
}

static struct bpf_object *load_with(int counts)
{
	const char *file = object_file();
	struct bpf_object *obj;
	struct bpf_map *map;
	int err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	map = bpf_object__find_map_by_name(obj, "counts");
	if (!map)
		error(1, ENOENT, "counts in %s", file);
	err = bpf_map__reuse_fd(map, counts);
	if (err)
		error(1, -err, "reuse the map");
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	return obj;
}

int main(void)
{
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	int counts, prog, second, err;
	struct bpf_object *obj;
	__u64 packets = 0;

	/* the first instance: pin, load, attach, in this order */
	counts = create_and_pin();
	show_result("first instance", counts);
	if (counts < 0)
		error(1, -counts, "%s", PIN);
	atexit(unpin);
	obj = load_with(counts);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");

	/* the second one: it is turned away, and loads nothing */
	second = create_and_pin();
	show_result("second instance", second);
	if (second >= 0)
		error(1, 0, "two instances");

	send_packet(web);
	err = bpf_map_lookup_elem(counts, &key, &packets);
	show_number("one packet counts", err, packets);

	bpf_object__close(obj);
	close(counts);
	return 0;
}
