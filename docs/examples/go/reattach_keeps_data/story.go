// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import "example.org/cgroupstorage/internal/example"

// Story detaches a program and attaches it again.
func Story() {
	web := example.NewCgroup(nil, "web")
	coll := example.Load()
	defer coll.Close()
	prog, counts := coll.Programs["count"], coll.Maps["counts"]
	var packets uint64
	example.Attach(prog, web)
	for i := 0; i < 3; i++ {
		web.Send()
	}
	err := counts.Lookup(web.Key(), &packets)
	example.ShowNumber("before detach", err, packets)
	example.Detach(prog, web)
	err = counts.Lookup(web.Key(), &packets)
	example.ShowNumber("while detached", err, packets)
	example.Attach(prog, web)
	err = counts.Lookup(web.Key(), &packets)
	example.ShowNumber("after attaching again", err, packets)
	web.Send()
	err = counts.Lookup(web.Key(), &packets)
	example.ShowNumber("one packet later", err, packets)

	example.Detach(prog, web)
	example.Check(attachAndReset(prog, web.FD(), web.ID(), counts), "attach and reset")
	example.Check(counts.Lookup(web.Key(), &packets), "look up")
	example.Require(packets == 0, "the counter was not reset")
}
