// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Iterate over the entries of a map, on every release: use a key only if a
 * lookup finds it, and stop when get_next_key fails.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

#define MOST_ENTRIES 64

/* Up to @most values, newest entry first: how many there were. */
static int walk(int counts, __u64 *values, int most)
{
	struct bpf_cgroup_storage_key key, *previous = NULL;
	int found = 0;

	while (found < most && !bpf_map_get_next_key(counts, previous, &key)) {
		previous = &key;
		/* ENOENT: removed just now, and the loop ends, or no key */
		if (!bpf_map_lookup_elem(counts, &key, &values[found]))
			found++;
	}
	return found;
}

/* Before 7.1 one key too many: never print it. */
static void show_end(const char *label, int counts)
{
	struct bpf_cgroup_storage_key key;
	__u64 packets;
	int i, err;

	err = bpf_map_get_next_key(counts, NULL, &key);
	for (i = 0; !err && i < 2; i++)
		err = bpf_map_get_next_key(counts, &key, &key);
	if (!err && bpf_map_lookup_elem(counts, &key, &packets) == -ENOENT)
		show_text(label, "bogus key");
	else
		show_result(label, err);
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web"), db = make_cgroup(-1, "db");
	int prog, counts, found, err;
	__u64 values[MOST_ENTRIES];
	struct bpf_object *obj;

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
	if (!err)
		err = bpf_prog_attach(prog, db, BPF_CGROUP_INET_EGRESS,
				      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
	send_packet(web);
	send_packet(web);
	send_packet(db);

	found = walk(counts, values, MOST_ENTRIES);
	show_numbers("values", 0, values, found);
	show_number("keys", 0, found);
	show_end("after the last", counts);

	bpf_object__close(obj);
	return 0;
}
