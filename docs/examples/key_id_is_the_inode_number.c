// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Look up an entry by the cgroup id and by the inode number: they are the
 * same since 5.5.
 */
#include <errno.h>
#include <error.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

static void show_entry_of(const char *label, int counts, __u64 id)
{
	const struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = id,
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	__u64 packets = 0;
	int err;

	err = bpf_map_lookup_elem(counts, &key, &packets);
	show_number(label, err, packets);
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	const __u64 id = cgroup_id(web);
	struct bpf_object *obj;
	int prog, counts, err;
	struct stat st;

	if (fstat(web, &st))
		error(1, errno, "fstat");

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
	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
	send_packet(web);
	send_packet(web);

	show_entry_of("by id", counts, id);
	show_entry_of("by st_ino", counts, st.st_ino);
	/* before 5.5 the other half was a generation number */
	show_number("lower half is st_ino", 0, (__u32)id == st.st_ino);
	show_number("upper half is in use", 0, id >> 32 != 0);

	bpf_object__close(obj);
	return 0;
}
