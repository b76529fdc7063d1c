// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package example

import (
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Socket is a UDP socket that a process in the cgroup has made: the programs of that cgroup
// and of its ancestors run for it, whoever uses it. A Go program enters a cgroup as a whole.
func (c *Cgroup) Socket() int {
	home := current()
	moveTo(c.Path)
	sock := newSocket()
	moveTo(home)
	return sock
}

func newSocket() int {
	sock, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	Check(err, "socket")
	return sock
}

// CloseSocket closes a socket.
func CloseSocket(sock int) {
	Check(unix.Close(sock), "close")
}

// Send sends a packet from the cgroup.
func (c *Cgroup) Send() {
	Check(c.TryToSend(), "send a packet")
}

// TryToSend sends a packet from the cgroup; EPERM if a program denies it.
func (c *Cgroup) TryToSend() error {
	sock := c.Socket()
	defer CloseSocket(sock)
	return TryToSendOn(sock)
}

// TryToSendOn sends a packet; EPERM if a program denies it.
func TryToSendOn(sock int) error {
	peer := newSocket()
	defer CloseSocket(peer)
	return deliver(sock, peer)
}

// Receive sends a packet to the cgroup.
func (c *Cgroup) Receive() {
	from, to := newSocket(), c.Socket()
	defer CloseSocket(from)
	defer CloseSocket(to)
	Check(deliver(from, to), "send a packet to the cgroup")
}

// deliver sends a packet over the loopback interface and waits until it is there.
func deliver(from, to int) error {
	loopback := [4]byte{127, 0, 0, 1}
	Check(unix.Bind(to, &unix.SockaddrInet4{Addr: loopback}), "bind")
	address, err := unix.Getsockname(to)
	Check(err, "getsockname")
	err = unix.Sendto(from, []byte("x"), 0, address)
	if err == unix.EPERM {
		return err
	}
	Check(err, "sendto")
	limit := unix.NsecToTimeval(patience.Nanoseconds())
	Check(unix.SetsockoptTimeval(to, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit), "SO_RCVTIMEO")
	_, _, err = unix.Recvfrom(to, make([]byte, 1), 0)
	Check(err, "receive the packet")
	return nil
}

// RunOnCPU stays on this CPU from now on.
func RunOnCPU(cpu int) {
	var set unix.CPUSet
	set.Set(cpu)
	Check(unix.SchedSetaffinity(0, &set), "sched_setaffinity")
}

// LimitMemory sets RLIMIT_MEMLOCK to a number of pages, once the kernel has freed what the
// library has tried out.
func LimitMemory(pages int) {
	time.Sleep(patience / 10)
	size := uint64(pages * unix.Getpagesize())
	limit := unix.Rlimit{Cur: size, Max: size}
	Check(unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit), "RLIMIT_MEMLOCK")
}

// WithoutCapabilities calls act in a thread that has given up all capabilities. The thread ends
// with its goroutine, as that never unlocks it.
func WithoutCapabilities(act func()) {
	done := make(chan interface{})
	go func() {
		runtime.LockOSThread()
		defer func() { done <- recover() }()
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		Check(unix.Capset(&header, &none[0]), "capset")
		act()
	}()
	if failed := <-done; failed != nil {
		panic(failed)
	}
}

// Syscall calls bpf(2) with what package ebpf has no function for in all of its versions.
func Syscall(command int, attr unsafe.Pointer, size uintptr) error {
	_, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(command), uintptr(attr), size)
	if errno != 0 {
		return errno
	}
	return nil
}
