// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the examples share; example.h says what each function does. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "example.h"

#define MOST_CGROUPS	16
#define POLL_MS		2
#define PATIENCE_MS	2000
#define ENOTSUPP	524	/* the kernel's own; libc does not know it */

/* The cgroups of this run, parents first; the first one holds the others. */
static struct {
	int fd;
	char path[PATH_MAX];
} cgroups[MOST_CGROUPS];
static int made;

const char *object_file(void)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s.bpf.o", program_invocation_name);
	return path;
}

static void pause_ms(int ms)
{
	struct timespec time = { .tv_nsec = ms * 1000000L };

	nanosleep(&time, NULL);
}

/* A process that has ended still counts for a moment: EBUSY. */
static int remove_directory(const char *path)
{
	int waited;

	for (waited = 0; rmdir(path); waited += POLL_MS) {
		if (errno != EBUSY || waited >= PATIENCE_MS)
			return -errno;
		pause_ms(POLL_MS);
	}
	return 0;
}

static void remove_cgroups(void)
{
	int err;

	while (made > 0) {
		err = remove_directory(cgroups[--made].path);
		if (err && err != -ENOENT)
			error(0, -err, "rmdir %s", cgroups[made].path);
	}
}

static int add_cgroup(const char *parent, const char *name)
{
	char *path = cgroups[made].path;
	int fd;

	if (made == MOST_CGROUPS)
		error(1, 0, "too many cgroups");
	if (snprintf(path, PATH_MAX, "%s/%s", parent, name) >= PATH_MAX)
		error(1, ENAMETOOLONG, "%s", parent);
	if (mkdir(path, 0755))
		error(1, errno, "mkdir %s", path);
	if (!made)
		atexit(remove_cgroups);
	made++;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		error(1, errno, "open %s", path);
	cgroups[made - 1].fd = fd;
	return fd;
}

/* Where cgroup v2 is mounted: the file systems follow a " - ". */
static void find_cgroup2(char *path)
{
	char line[2 * PATH_MAX], type[32];
	FILE *mounts = fopen("/proc/self/mountinfo", "re");

	if (!mounts)
		error(1, errno, "/proc/self/mountinfo");
	while (fgets(line, sizeof(line), mounts)) {
		char *end = strstr(line, " - ");

		if (end && sscanf(end, " - %31s", type) == 1 &&
		    !strcmp(type, "cgroup2") &&
		    sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1) {
			fclose(mounts);
			return;
		}
	}
	error(1, 0, "cgroup v2 is not mounted");
}

int make_cgroup(int parent, const char *name)
{
	char path[PATH_MAX], own[32];
	int i;

	if (!made) {
		find_cgroup2(path);
		snprintf(own, sizeof(own), "example-%d", getpid());
		add_cgroup(path, own);
	}
	if (parent < 0)
		return add_cgroup(cgroups[0].path, name);
	for (i = 0; i < made; i++)
		if (cgroups[i].fd == parent)
			return add_cgroup(cgroups[i].path, name);
	error(1, EBADF, "the parent of cgroup %s", name);
	return -1;
}

void remove_cgroup(int cgroup)
{
	int i, err;

	for (i = 0; i < made; i++) {
		if (cgroups[i].fd != cgroup)
			continue;
		err = remove_directory(cgroups[i].path);
		if (err)
			error(1, -err, "rmdir %s", cgroups[i].path);
	}
}

__u64 cgroup_id(int cgroup)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(__u64)];
	} u = { .handle.handle_bytes = sizeof(__u64) };
	int mount;
	__u64 id;

	if (name_to_handle_at(cgroup, "", &u.handle, &mount, AT_EMPTY_PATH))
		error(1, errno, "name_to_handle_at");
	memcpy(&id, u.handle.f_handle, sizeof(id));
	return id;
}

static int udp_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		error(1, errno, "socket");
	return fd;
}

/* In a process of its own, which has the descriptors in common with us. */
static int enter_and_make(void *arg)
{
	int procs, cgroup = *(int *)arg;

	procs = openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (procs < 0 || write(procs, "0", 1) != 1) {
		perror("cgroup.procs");
		return 0;
	}
	close(procs);
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

int make_socket(int cgroup)
{
	static char stack[64 * 1024] __attribute__((aligned(16)));
	int status, sock;
	pid_t pid;

	pid = clone(enter_and_make, stack + sizeof(stack),
		    CLONE_FILES | SIGCHLD, &cgroup);
	if (pid < 0)
		error(1, errno, "clone");
	if (waitpid(pid, &status, 0) != pid)
		error(1, errno, "waitpid");
	/* its exit status is the descriptor of the socket; 255 is -1 */
	sock = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	if (!sock || sock == 255)
		error(1, 0, "no socket in the cgroup");
	return sock;
}

/* Bind to the loopback interface: the address, with the port that it got. */
static struct sockaddr_in bind_loopback(int sock)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(sock, (struct sockaddr *)&address, size))
		error(1, errno, "bind");
	if (getsockname(sock, (struct sockaddr *)&address, &size))
		error(1, errno, "getsockname");
	return address;
}

static int send_to(int sock, const struct sockaddr_in *address)
{
	const struct sockaddr *to = (const struct sockaddr *)address;

	if (sendto(sock, "x", 1, 0, to, sizeof(*address)) == 1)
		return 0;
	if (errno != EPERM)
		error(1, errno, "sendto");
	return -EPERM;
}

static void wait_for_packet(int sock)
{
	struct timeval limit = { .tv_sec = PATIENCE_MS / 1000 };
	char byte;

	if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		error(1, errno, "SO_RCVTIMEO");
	if (recv(sock, &byte, sizeof(byte), 0) != sizeof(byte))
		error(1, errno, "the packet did not arrive");
}

int try_to_send_on(int sock)
{
	int err, peer = udp_socket();
	struct sockaddr_in address = bind_loopback(peer);

	err = send_to(sock, &address);
	if (!err)
		wait_for_packet(peer);
	close(peer);
	return err;
}

int try_to_send(int cgroup)
{
	int sock = make_socket(cgroup);
	int err = try_to_send_on(sock);

	close(sock);
	return err;
}

void send_packet(int cgroup)
{
	if (try_to_send(cgroup))
		error(1, EPERM, "a packet was denied");
}

void receive_packet(int cgroup)
{
	int from = udp_socket(), to = make_socket(cgroup);
	struct sockaddr_in address = bind_loopback(to);

	if (send_to(from, &address))
		error(1, EPERM, "a packet to the cgroup was denied");
	wait_for_packet(to);
	close(from);
	close(to);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	return syscall(SYS_capset, &header, none);
}

void without_capabilities(void (*act)(void))
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		error(1, errno, "fork");
	if (!pid) {
		if (drop_capabilities())
			_exit(1);
		act();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		error(1, errno, "waitpid");
	if (status)
		error(1, 0, "the process without capabilities failed");
}

void run_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		error(1, errno, "CPU %d", cpu);
}

void wait_until_gone(int map, const void *key)
{
	char value[4096];
	int waited;

	for (waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
		if (bpf_map_lookup_elem(map, key, value))
			return;
		pause_ms(POLL_MS);
	}
}

/* Send the line now: a kernel that breaks takes with it what waits. */
static void end_line(void)
{
	putchar('\n');
	fflush(stdout);
	if (isatty(STDOUT_FILENO))
		tcdrain(STDOUT_FILENO);
}

void show_text(const char *label, const char *text)
{
	printf("%s: %s", label, text);
	end_line();
}

void show_result(const char *label, int err)
{
	const char *name = strerrorname_np(-err);

	if (err >= 0)
		show_text(label, "ok");
	else if (err == -ENOTSUPP)
		show_text(label, "ENOTSUPP");
	else if (name)
		show_text(label, name);
	else
		error(1, 0, "%s: unknown errno %d", label, -err);
}

void show_verdict(const char *label, int err)
{
	if (err == -EPERM)
		show_text(label, "denied");
	else
		show_result(label, err);
}

void show_number(const char *label, int err, __u64 number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", number);
	if (err < 0)
		show_result(label, err);
	else
		show_text(label, text);
}

void show_numbers(const char *label, int err, const __u64 *numbers, int count)
{
	int i;

	if (err < 0) {
		show_result(label, err);
		return;
	}
	printf("%s: [", label);
	for (i = 0; i < count; i++)
		printf("%s%llu", i ? ", " : "", numbers[i]);
	putchar(']');
	end_line();
}
