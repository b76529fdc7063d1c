// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package example

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

const (
	poll     = 2 * time.Millisecond
	patience = 2 * time.Second
)

// Cgroup is a directory of cgroup v2.
type Cgroup struct {
	file *os.File
	Path string
}

// made has the cgroups of this run, parents first; the first one holds the others.
var made []*Cgroup

// NewCgroup creates a cgroup below parent, or with nil in the directory of this run. All of
// them are removed at the end.
func NewCgroup(parent *Cgroup, name string) *Cgroup {
	if len(made) == 0 {
		addCgroup(filepath.Join(mountPoint(), fmt.Sprintf("example-%d", os.Getpid())))
	}
	if parent == nil {
		parent = made[0]
	}
	return addCgroup(filepath.Join(parent.Path, name))
}

func addCgroup(path string) *Cgroup {
	Check(os.Mkdir(path, 0o755), "create a cgroup")
	cgroup := &Cgroup{Path: path}
	made = append(made, cgroup)
	file, err := os.Open(path)
	Check(err, "open a cgroup")
	cgroup.file = file
	return cgroup
}

// FD is a descriptor of the directory.
func (c *Cgroup) FD() int {
	return int(c.file.Fd())
}

// File is the open directory.
func (c *Cgroup) File() *os.File {
	return c.file
}

// ID is the id that keys contain; get_the_cgroup_id shows how to get it.
func (c *Cgroup) ID() uint64 {
	handle, _, err := unix.NameToHandleAt(c.FD(), "", unix.AT_EMPTY_PATH)
	Check(err, "name_to_handle_at")
	return binary.LittleEndian.Uint64(handle.Bytes())
}

// Key is the key of the cgroup's egress.
func (c *Cgroup) Key() Key {
	return c.KeyOf(ebpf.AttachCGroupInetEgress)
}

// KeyOf is the key of a hook of the cgroup.
func (c *Cgroup) KeyOf(attach ebpf.AttachType) Key {
	return Key{CgroupID: c.ID(), AttachType: attach}
}

// Remove removes the cgroup.
func (c *Cgroup) Remove() {
	Check(c.remove(), "remove a cgroup")
}

// A process that has ended still counts for a moment: EBUSY.
func (c *Cgroup) remove() error {
	var err error
	for waited := time.Duration(0); waited < patience; waited += poll {
		if err = unix.Rmdir(c.Path); err != unix.EBUSY {
			return err
		}
		time.Sleep(poll)
	}
	return err
}

func removeCgroups() {
	for i := len(made) - 1; i >= 0; i-- {
		if err := made[i].remove(); err != nil && err != unix.ENOENT {
			fmt.Fprintf(os.Stderr, "remove %s: %v\n", made[i].Path, err)
		}
	}
}

// mountPoint is where cgroup v2 is mounted: the file system's type follows " - ".
func mountPoint() string {
	file, err := os.Open("/proc/self/mountinfo")
	Check(err, "mounts")
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		before, after, _ := strings.Cut(lines.Text(), " - ")
		if fields := strings.Fields(before); strings.HasPrefix(after, "cgroup2 ") {
			return fields[4]
		}
	}
	Check(errors.New("not mounted"), "cgroup v2")
	return ""
}

// current is the directory of the cgroup in which this process is.
func current() string {
	text, err := os.ReadFile("/proc/self/cgroup")
	Check(err, "the cgroup of this process")
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "0::") {
			return filepath.Join(mountPoint(), strings.TrimPrefix(line, "0::"))
		}
	}
	Check(errors.New("not there"), "the cgroup of this process")
	return ""
}

func moveTo(path string) {
	procs := filepath.Join(path, "cgroup.procs")
	Check(os.WriteFile(procs, []byte("0"), 0), "enter a cgroup")
}

// WaitUntilGone waits, at most two seconds: the kernel removes entries a little later.
func WaitUntilGone(m *ebpf.Map, key interface{}) {
	for waited := time.Duration(0); waited < patience; waited += poll {
		if value, err := m.LookupBytes(key); value == nil || err != nil {
			return
		}
		time.Sleep(poll)
	}
}
