// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Freeze a map through a descriptor that may only read, through one that may
 * write, and without capabilities: what is allowed changed in 6.5.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

#define PIN "/sys/fs/bpf/example_freeze"

/* A second descriptor of the map, as another process gets it from a pin. */
static int open_for_reading(int map)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_RDONLY);
	int reader, err;

	err = bpf_obj_pin(map, PIN);
	if (err)
		error(1, -err, "%s", PIN);
	reader = bpf_obj_get_opts(PIN, &opts);
	unlink(PIN);
	if (reader < 0)
		error(1, -reader, "%s", PIN);
	return reader;
}

static int map_fd(struct bpf_object *obj, const char *name)
{
	int fd;

	fd = bpf_object__find_map_fd_by_name(obj, name);
	if (fd < 0)
		error(1, -fd, "no map %s", name);
	return fd;
}

/* [begin shown] */
static int others;

static void freeze_others(void)
{
	show_result("freeze without capability", bpf_map_freeze(others));
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	int counts, prog, reader, err;
	struct bpf_object *obj;
	__u64 nine = 9;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	counts = map_fd(obj, "counts");
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
	reader = open_for_reading(counts);

	err = bpf_map_freeze(reader);
	show_result("freeze by reader", err);
	err = bpf_map_update_elem(counts, &key, &nine, BPF_ANY);
	show_result("update by owner", err);
	err = bpf_map_freeze(counts);
	show_result("freeze by owner", err);
	err = bpf_map_freeze(counts);
	show_result("freeze again", err);
	others = map_fd(obj, "others");
	without_capabilities(freeze_others);

	close(reader);
	bpf_object__close(obj);
	return 0;
}
/* [end shown] */
