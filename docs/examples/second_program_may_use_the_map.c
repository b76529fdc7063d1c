// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Load a second program with a map: EBUSY before 5.9. Since 5.9 both count
 * in one storage.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

#define POLL_US		10000
#define PATIENCE_US	2000000

static int counts, spare;

static int create_map(const char *name)
{
	int map;

	map = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, name,
			     sizeof(struct bpf_cgroup_storage_key),
			     sizeof(__u64), 0, NULL);
	if (map < 0)
		error(1, -map, "create %s", name);
	return map;
}

static int use_map(struct bpf_object *obj, const char *name, int fd)
{
	return bpf_map__reuse_fd(bpf_object__find_map_by_name(obj, name), fd);
}

/* Load one program of the object with our maps: its descriptor. */
static int load(const char *name)
{
	const char *file = object_file();
	struct bpf_program *program, *wanted;
	struct bpf_object *obj;
	int prog, err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	wanted = bpf_object__find_program_by_name(obj, name);
	if (!wanted)
		error(1, ENOENT, "%s in %s", name, file);
	bpf_object__for_each_program(program, obj)
		bpf_program__set_autoload(program, program == wanted);
	err = use_map(obj, "counts", counts);
	if (!err)
		err = use_map(obj, "spare", spare);
	if (err)
		error(1, -err, "maps of %s", file);

	err = bpf_object__load(obj);
	if (err) {
		prog = err;
	} else {
		prog = dup(bpf_program__fd(wanted));
		if (prog < 0)
			error(1, errno, "dup");
	}
	bpf_object__close(obj);
	return prog;
}

/* The kernel frees programs a little later, and the map with them. */
static int load_when_free(const char *name)
{
	int prog, waited;

	for (waited = 0; waited < PATIENCE_US; waited += POLL_US) {
		prog = load(name);
		if (prog != -EBUSY)
			break;
		usleep(POLL_US);
	}
	return prog;
}

static void attach(int cgroup, int prog)
{
	int err;

	err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
}

/* [begin shown] */
int main(void)
{
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	int first, second, err;
	__u64 packets = 0;

	counts = create_map("counts");
	spare = create_map("spare");
	/* two maps of one type: EBUSY on every release */
	show_result("load with two maps", load("greedy"));

	first = load("count");
	if (first < 0)
		error(1, -first, "load");
	second = load("count");
	show_result("load a second program", second);
	attach(web, first);
	if (second >= 0)
		attach(web, second);
	send_packet(web);
	err = bpf_map_lookup_elem(counts, &key, &packets);
	show_number("after one packet", err, packets);

	err = bpf_prog_detach2(first, web, BPF_CGROUP_INET_EGRESS);
	if (err)
		error(1, -err, "detach");
	close(first);
	show_result("load once the first is gone", load_when_free("count"));
	return 0;
}
/* [end shown] */
