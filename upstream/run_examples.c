// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uses the corrected examples of the kernel's documents as a reader would, and
 * prints what they count.  struct_user.c, id_user.c and cgrp_user.c are the
 * examples for user space, each of which defines map_lookup().
 */
#include <stdint.h>

#define map_lookup lookup_by_struct
#include "struct_user.c"
#undef map_lookup
#define map_lookup lookup_by_id
#include "id_user.c"
#undef map_lookup
#define map_lookup lookup_by_cgroup
#include "cgrp_user.c"
#undef map_lookup

#include <error.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define WEB "/sys/fs/cgroup/web"

static void send_packet(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int receiver = socket(AF_INET, SOCK_DGRAM, 0);
	int sender = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t size = sizeof(to);
	char byte = 0;

	if (bind(receiver, (struct sockaddr *)&to, size) ||
	    getsockname(receiver, (struct sockaddr *)&to, &size) ||
	    sendto(sender, &byte, 1, 0, (struct sockaddr *)&to, size) != 1 ||
	    recv(receiver, &byte, 1, MSG_DONTWAIT) != 1)
		error(1, errno, "a packet did not arrive");
	close(sender);
	close(receiver);
}

static struct bpf_object *loaded(const char *file)
{
	struct bpf_object *obj = bpf_object__open_file(file, NULL);

	if (!obj || bpf_object__load(obj))
		error(1, errno, "load %s", file);
	return obj;
}

static struct bpf_map *counted(const char *file, int cgroup)
{
	struct bpf_object *obj = loaded(file);
	struct bpf_program *prog = bpf_object__find_program_by_name(obj, "program");

	if (!bpf_program__attach_cgroup(prog, cgroup))
		error(1, errno, "attach %s", file);
	send_packet();
	send_packet();
	return bpf_object__find_map_by_name(obj, "cgroup_storage");
}

int main(void)
{
	struct bpf_object *obj;
	struct stat directory;
	int i, cgroup, procs;
	long calls = 0;

	if (mkdir(WEB, 0755) || stat(WEB, &directory))
		error(1, errno, WEB);
	cgroup = open(WEB, O_RDONLY | O_DIRECTORY);
	procs = open(WEB "/cgroup.procs", O_WRONLY);
	if (write(procs, "0", 1) != 1)
		error(1, errno, WEB "/cgroup.procs");

	printf("struct key: %u\n",
	       lookup_by_struct(counted("struct_bpf.o", cgroup),
				directory.st_ino, BPF_CGROUP_INET_EGRESS));
	printf("id as key: %u\n",
	       lookup_by_id(counted("id_bpf.o", cgroup), directory.st_ino,
			    BPF_CGROUP_INET_EGRESS));

	obj = loaded("cgrp_bpf.o");
	if (!bpf_program__attach(bpf_object__find_program_by_name(obj, "on_enter")))
		error(1, errno, "attach on_enter");
	for (i = 0; i < 5; i++)
		getppid();
	if (lookup_by_cgroup(bpf_object__find_map_by_name(obj, "cgrp_storage"),
			     cgroup, &calls))
		error(1, errno, "look up the system calls");
	printf("system calls: %s\n", calls >= 5 ? "counted" : "not counted");
	return 0;
}
