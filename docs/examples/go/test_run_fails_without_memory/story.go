// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

// Story tests a program where RLIMIT_MEMLOCK leaves nothing for its storage.
func Story() {
	web, db := example.NewCgroup(nil, "web"), example.NewCgroup(nil, "db")
	coll := example.LoadSpec(example.Spec())
	defer coll.Close()
	prog := coll.Programs["count"]
	verdict, err := testProgram(prog, make([]byte, 64))
	example.Check(err, "test run")
	example.Require(verdict == 1, "another verdict")
	// package link tries out what it can do: before the limit
	_ = example.TryToDetach(prog, db)
	example.LimitMemory(1)

	verdict, _, err = prog.Test(make([]byte, 64))
	example.ShowNumber("test run", err, uint64(verdict))
	err = example.TryToAttach(prog, web, ebpf.AttachCGroupInetEgress, 0)
	example.ShowResult("attach", err)
}
