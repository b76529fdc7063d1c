// SPDX-License-Identifier: GPL-2.0-only
// Pyodide refuses a classic worker, which it recognizes by a function that works there.
self.importScripts = () => { throw new TypeError("this worker loads no scripts"); };
