// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import "example.org/cgroupstorage/internal/example"

// Story counts in both directions.
func Story() {
	web := example.NewCgroup(nil, "web")
	coll := example.Load()
	defer coll.Close()
	example.Check(attachBoth(coll, web.FD()), "attach")
	web.Receive()
	web.Send()
	web.Send()
	packets, err := readBoth(coll, web.ID())
	example.ShowNumber("in", err, packets[0])
	example.ShowNumber("out", err, packets[1])
}
