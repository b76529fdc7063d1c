/* SPDX-License-Identifier: GPL-2.0-only */
static void check_storage(struct cgroup_storage *skel,
			  const struct bpf_cgroup_storage_key *key,
			  const char *when)
{
	__u64 value = 0;
	int err;

	err = bpf_map__lookup_elem(skel->maps.cgroup_storage, key, sizeof(*key),
				   &value, sizeof(value), 0);
	if (ASSERT_OK(err, when))
		ASSERT_EQ(value, 42, when);
}

/* The storage belongs to the cgroup and the map: it outlives the attachment */
void test_cgroup_storage_reattach(void)
{
	LIBBPF_OPTS(bpf_prog_attach_opts, opts);
	struct bpf_cgroup_storage_key key;
	struct cgroup_storage *skel;
	int cgroup_fd, prog_fd, err;
	struct bpf_link *link;
	__u64 value = 42;

	cgroup_fd = cgroup_setup_and_join(TEST_CGROUP);
	if (!ASSERT_OK_FD(cgroup_fd, "create cgroup"))
		return;

	skel = cgroup_storage__open_and_load();
	if (!ASSERT_OK_PTR(skel, "load program"))
		goto cleanup_cgroup;
	prog_fd = bpf_program__fd(skel->progs.bpf_prog);

	link = bpf_program__attach_cgroup(skel->progs.bpf_prog, cgroup_fd);
	if (!ASSERT_OK_PTR(link, "attach program"))
		goto cleanup_skel;
	err = bpf_map__get_next_key(skel->maps.cgroup_storage, NULL, &key,
				    sizeof(key));
	if (ASSERT_OK(err, "get first key")) {
		err = bpf_map__update_elem(skel->maps.cgroup_storage, &key,
					   sizeof(key), &value, sizeof(value),
					   BPF_ANY);
		ASSERT_OK(err, "write storage");
	}
	bpf_link__destroy(link);
	if (err)
		goto cleanup_skel;
	check_storage(skel, &key, "after detach");

	opts.flags = BPF_F_ALLOW_MULTI;
	err = bpf_prog_attach_opts(prog_fd, cgroup_fd, BPF_CGROUP_INET_EGRESS,
				   &opts);
	if (!ASSERT_OK(err, "attach again"))
		goto cleanup_skel;
	check_storage(skel, &key, "after attaching again");

	opts.flags = BPF_F_ALLOW_MULTI | BPF_F_REPLACE;
	opts.replace_fd = prog_fd;
	err = bpf_prog_attach_opts(prog_fd, cgroup_fd, BPF_CGROUP_INET_EGRESS,
				   &opts);
	if (ASSERT_OK(err, "replace program"))
		check_storage(skel, &key, "after replacing");

	err = bpf_prog_detach2(prog_fd, cgroup_fd, BPF_CGROUP_INET_EGRESS);
	ASSERT_OK(err, "detach program");

cleanup_skel:
	cgroup_storage__destroy(skel);
cleanup_cgroup:
	close(cgroup_fd);
	cleanup_cgroup_environment();
}
