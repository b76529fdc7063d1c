// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Measure without zeroing: read the counter when a measurement starts, and
 * subtract that from every later reading.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

static __u64 read_counter(int counts, int cgroup)
{
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(cgroup),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	__u64 packets;
	int err;

	err = bpf_map_lookup_elem(counts, &key, &packets);
	if (err)
		error(1, -err, "lookup");
	return packets;
}

static void attach(int cgroup, int prog)
{
	int err;

	err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_object *obj;
	int prog, counts, err;
	__u64 baseline;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	counts = bpf_object__find_map_fd_by_name(obj, "counts");
	if (prog < 0 || counts < 0)
		error(1, ENOENT, "count or counts in %s", file);

	attach(web, prog);
	baseline = read_counter(counts, web);
	send_packet(web);
	show_number("first measurement", 0,
		    read_counter(counts, web) - baseline);

	err = bpf_prog_detach2(prog, web, BPF_CGROUP_INET_EGRESS);
	if (err)
		error(1, -err, "detach");
	attach(web, prog);

	/* zero before 5.9, the last value since 5.9 */
	baseline = read_counter(counts, web);
	show_number("counter at the start", 0, baseline);
	send_packet(web);
	send_packet(web);
	show_number("second measurement", 0,
		    read_counter(counts, web) - baseline);

	bpf_object__close(obj);
	return 0;
}
