// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Count the packets of each cgroup to which the program is attached. */
/* [begin shown] */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__uint(key_size, sizeof(__u64));	/* the cgroup id, since 5.9 */
	__uint(value_size, sizeof(__u64));
} counts SEC(".maps");

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&counts, 0);

	__sync_fetch_and_add(packets, 1);	/* never NULL */
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
/* [end shown] */
