/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the examples share and what is not their point: cgroups to try
 * things in, packets, and the lines that they print.
 *
 * All of these end the program, with a message, when something goes wrong
 * that the example is not about.
 */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <linux/types.h>

/* The BPF object: a file beside the program, NAME.bpf.o. */
const char *object_file(void);

/*
 * A new cgroup below @parent, or with -1 in the directory of this run:
 * a descriptor of its directory. All of them are removed at exit.
 */
int make_cgroup(int parent, const char *name);
void remove_cgroup(int cgroup);

/* The id that stands in keys; get_the_cgroup_id.c shows how to get it. */
__u64 cgroup_id(int cgroup);

/*
 * A UDP socket that a process in @cgroup has made: the programs of that
 * cgroup and its ancestors run for it, whoever uses it.
 */
int make_socket(int cgroup);

/* A packet from @cgroup to the outside. */
void send_packet(int cgroup);

/* The same, but a program may deny it: 0 or -EPERM. */
int try_to_send(int cgroup);
int try_to_send_on(int sock);

/* A packet from the outside to @cgroup. */
void receive_packet(int cgroup);

/* Call @act in a process that has given up all capabilities. */
void without_capabilities(void (*act)(void));

/* Stay on this CPU from now on. */
void run_on_cpu(int cpu);

/* The kernel removes entries a little later: wait, at most two seconds. */
void wait_until_gone(int map, const void *key);

/*
 * Print "label: " and what came of a call: "ok", a number, numbers as
 * "[1, 2]", or for a negative @err the name of the errno: ENOTSUPP for
 * 524, which has no name in libc.
 */
void show_result(const char *label, int err);
void show_number(const char *label, int err, __u64 number);
void show_numbers(const char *label, int err, const __u64 *numbers, int count);

/* The same for a packet, a connect() and the like: EPERM is "denied". */
void show_verdict(const char *label, int err);

/* Print "label: text". */
void show_text(const char *label, const char *text);

#endif
