// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct traffic {
	struct bpf_spin_lock lock;
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, struct traffic);
} traffic SEC(".maps");

SEC("cgroup_skb/egress")
int count_egress(struct __sk_buff *skb)
{
	struct traffic *sent = bpf_get_local_storage(&traffic, 0);

	bpf_spin_lock(&sent->lock);
	sent->packets += 1;
	sent->bytes += skb->len;
	bpf_spin_unlock(&sent->lock);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
