// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Replace a program by itself in each of the three modes, and see whether its
 * counter begins again.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

static void attach(int cgroup, int prog, __u32 flags)
{
	int err;

	err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS, flags);
	if (err)
		error(1, -err, "attach");
}

/* Since 5.6: replace a program, here with itself. */
static int replace(int cgroup, int prog)
{
	LIBBPF_OPTS(bpf_prog_attach_opts, opts,
		.flags = BPF_F_ALLOW_MULTI | BPF_F_REPLACE,
		.replace_prog_fd = prog);

	return bpf_prog_attach_opts(prog, cgroup, BPF_CGROUP_INET_EGRESS,
				    &opts);
}

static void show_entry_of(const char *label, int counts, int cgroup)
{
	const struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(cgroup),
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
	int web = make_cgroup(-1, "web"), db = make_cgroup(-1, "db");
	int mail = make_cgroup(-1, "mail");
	struct bpf_object *obj;
	int prog, counts, err;

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

	attach(web, prog, 0);
	send_packet(web);
	attach(web, prog, 0);
	show_entry_of("flags 0", counts, web);

	attach(db, prog, BPF_F_ALLOW_OVERRIDE);
	send_packet(db);
	attach(db, prog, BPF_F_ALLOW_OVERRIDE);
	show_entry_of("override", counts, db);

	attach(mail, prog, BPF_F_ALLOW_MULTI);
	send_packet(mail);
	show_result("replace", replace(mail, prog));
	show_entry_of("after replace", counts, mail);

	bpf_object__close(obj);
	return 0;
}
