// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Attach to more cgroups than RLIMIT_MEMLOCK has pages for, detach one, and
 * try another: ENOMEM before 5.11.
 */
#include <errno.h>
#include <error.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

#define PAGES		4	/* the map, the program, and two storages */
#define SETTLE_US	200000

static int prog;

static int attach(int cgroup)
{
	return bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS,
			       BPF_F_ALLOW_MULTI);
}

static int attach_to_all(const int *cgroups, int count)
{
	int i, err = 0;

	for (i = 0; !err && i < count; i++)
		err = attach(cgroups[i]);
	return err;
}

/* Memory counts for the user, whichever process has allocated it. */
static void limit_memory(void)
{
	const struct rlimit limit = {
		.rlim_cur = PAGES * getpagesize(),
		.rlim_max = PAGES * getpagesize(),
	};

	/* what libbpf has tried out while loading is freed a little later */
	usleep(SETTLE_US);
	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		error(1, errno, "RLIMIT_MEMLOCK");
}

int main(void)
{
	const char *file = object_file();
	const int cgroups[] = {
		make_cgroup(-1, "web"), make_cgroup(-1, "db"),
		make_cgroup(-1, "mail"), make_cgroup(-1, "cache"),
	};
	int spare = make_cgroup(-1, "spare"), web = cgroups[0];
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	struct bpf_object *obj;
	__u64 packets = 0;
	int counts, err;

	/* libbpf would lift the limit */
	err = libbpf_set_memlock_rlim(0);
	if (err)
		error(1, -err, "memlock");
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
	limit_memory();

	show_result("attach to four", attach_to_all(cgroups, 4));
	send_packet(web);
	err = bpf_map_lookup_elem(counts, &key, &packets);
	show_number("the first still counts", err, packets);

	/* before 5.9 this frees a page */
	err = bpf_prog_detach2(prog, web, BPF_CGROUP_INET_EGRESS);
	if (err)
		error(1, -err, "detach");
	show_result("attach to another", attach(spare));

	bpf_object__close(obj);
	return 0;
}
