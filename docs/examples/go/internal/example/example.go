// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package example has what the examples share and what is not their point:
// the object file, attaching, and the end of the program after an error.
package example

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// Key is struct bpf_cgroup_storage_key of linux/bpf.h.
type Key struct {
	CgroupID   uint64
	AttachType ebpf.AttachType
	_          uint32 // padding, which the kernel's struct has too
}

var story string

type failure struct{ error }

// Run calls the story of this name and returns the exit status.
func Run(name string, run func()) (status int) {
	runtime.LockOSThread() // affinity and capabilities belong to a thread
	story = name
	defer removeCgroups()
	defer func() {
		if found := recover(); found != nil {
			failed, expected := found.(failure)
			if !expected {
				panic(found)
			}
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, failed.error)
			status = 1
		}
	}()
	run()
	return 0
}

// Check ends the program with a message if err is not nil.
func Check(err error, what string) {
	if err != nil {
		panic(failure{fmt.Errorf("%s: %w", what, err)})
	}
}

// Require ends the program with a message if ok is false.
func Require(ok bool, what string) {
	if !ok {
		panic(failure{fmt.Errorf("%s", what)})
	}
}

// File is the object file of the story, NAME.bpf.o beside the program.
func File() string {
	program, err := os.Executable()
	Check(err, "the path of the program")
	return filepath.Join(filepath.Dir(program), story+".bpf.o")
}

// Spec reads the object file.
func Spec() *ebpf.CollectionSpec {
	spec, err := ebpf.LoadCollectionSpec(File())
	Check(err, "read the object file")
	return spec
}

// Load loads the object file.
func Load() *ebpf.Collection {
	Check(rlimit.RemoveMemlock(), "memlock")
	return LoadSpec(Spec())
}

// LoadSpec loads a specification and leaves RLIMIT_MEMLOCK as it is.
func LoadSpec(spec *ebpf.CollectionSpec) *ebpf.Collection {
	coll, err := ebpf.NewCollection(spec)
	Check(err, "load the object file")
	return coll
}

// TryToAttach attaches a program with these flags beside BPF_F_ALLOW_MULTI.
func TryToAttach(prog *ebpf.Program, cgroup *Cgroup, attach ebpf.AttachType, flags uint32) error {
	return link.RawAttachProgram(link.RawAttachProgramOptions{
		Target:  cgroup.FD(),
		Program: prog,
		Attach:  attach,
		Flags:   unix.BPF_F_ALLOW_MULTI | flags,
	})
}

// Attach attaches a program to the egress of a cgroup.
func Attach(prog *ebpf.Program, cgroup *Cgroup) {
	AttachTo(prog, cgroup, ebpf.AttachCGroupInetEgress)
}

// AttachTo attaches a program to a hook of a cgroup.
func AttachTo(prog *ebpf.Program, cgroup *Cgroup, attach ebpf.AttachType) {
	Check(TryToAttach(prog, cgroup, attach, 0), "attach")
}

// TryToDetach detaches a program from the egress of a cgroup.
func TryToDetach(prog *ebpf.Program, cgroup *Cgroup) error {
	return detach(prog, cgroup, ebpf.AttachCGroupInetEgress)
}

// Detach detaches a program from the egress of a cgroup.
func Detach(prog *ebpf.Program, cgroup *Cgroup) {
	DetachFrom(prog, cgroup, ebpf.AttachCGroupInetEgress)
}

// DetachFrom detaches a program from a hook of a cgroup.
func DetachFrom(prog *ebpf.Program, cgroup *Cgroup, attach ebpf.AttachType) {
	Check(detach(prog, cgroup, attach), "detach")
}

func detach(prog *ebpf.Program, cgroup *Cgroup, attach ebpf.AttachType) error {
	return link.RawDetachProgram(link.RawDetachProgramOptions{
		Target:  cgroup.FD(),
		Program: prog,
		Attach:  attach,
	})
}

// NewMap creates a map with keys of this size and values of 8 bytes.
func NewMap(name string, typ ebpf.MapType, keySize uint32) (*ebpf.Map, error) {
	return ebpf.NewMap(&ebpf.MapSpec{Name: name, Type: typ, KeySize: keySize, ValueSize: 8})
}

// Probe creates a map and closes it.
func Probe(typ ebpf.MapType, keySize uint32) error {
	m, err := NewMap("probe", typ, keySize)
	if err != nil {
		return err
	}
	return m.Close()
}

// ProgramID is the id of a program.
func ProgramID(prog *ebpf.Program) ebpf.ProgramID {
	info, err := prog.Info()
	Check(err, "program info")
	id, known := info.ID()
	Require(known, "the kernel has no ids of programs")
	return id
}

// Programs is the programs on a cgroup's egress; the flags are those of BPF_PROG_QUERY.
func Programs(cgroup *Cgroup, flags uint32) []ebpf.ProgramID {
	found, _ := Query(cgroup, flags)
	return found
}

// Query is the programs on a cgroup's egress, and their attach flags.
func Query(cgroup *Cgroup, flags uint32) ([]ebpf.ProgramID, uint32) {
	ids := make([]ebpf.ProgramID, 1024)
	attr := struct {
		target, attachType, queryFlags, attachFlags uint32
		ids                                         unsafe.Pointer
		count, _                                    uint32
	}{
		target:     uint32(cgroup.FD()),
		attachType: uint32(ebpf.AttachCGroupInetEgress),
		queryFlags: flags,
		ids:        unsafe.Pointer(&ids[0]),
		count:      uint32(len(ids)),
	}
	Check(Syscall(unix.BPF_PROG_QUERY, unsafe.Pointer(&attr), unsafe.Sizeof(attr)), "query")
	return ids[:attr.count], attr.attachFlags
}
