// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Iterate over two keys, newest first, and ask for one more: before 7.1 there
 * is an invalid key, since 7.1 ENOENT.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

static void attach(int cgroup, int prog)
{
	int err;

	err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
}

/* [begin shown] */
/* The key after @last; it may hold kernel addresses: never print it. */
static void look_beyond(int counts, const struct bpf_cgroup_storage_key *last)
{
	struct bpf_cgroup_storage_key beyond, next;
	__u64 packets = 0;
	int err;

	err = bpf_map_get_next_key(counts, last, &beyond);
	if (err) {
		show_result("after the last key", err);
		return;
	}
	show_text("after the last key", "bogus key");
	err = bpf_map_lookup_elem(counts, &beyond, &packets);
	show_number("its value", err, packets);
	err = bpf_map_get_next_key(counts, &beyond, &next);
	show_result("the key after it", err);
}
/* [end shown] */

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web"), db = make_cgroup(-1, "db");
	struct bpf_cgroup_storage_key first, second;
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

	attach(web, prog);
	send_packet(web);
	attach(db, prog);
	send_packet(db);

	err = bpf_map_get_next_key(counts, NULL, &first);
	if (!err)
		err = bpf_map_get_next_key(counts, &first, &second);
	if (err)
		error(1, -err, "next key");
	show_number("first key is that of db", 0,
		    first.cgroup_inode_id == cgroup_id(db));
	show_number("second key is that of web", 0,
		    second.cgroup_inode_id == cgroup_id(web));
	look_beyond(counts, &second);

	bpf_object__close(obj);
	return 0;
}
