// SPDX-License-Identifier: GPL-2.0-only
// The worker in which Python runs; bundle.py puts Pyodide before it.
// The first message has the parts of Pyodide and the files of the model. Every other one adds files,
// or is a request that playground/answers.py answers.
(() => {
    const bytes = text => {
        const found = atob(text);
        const made = new Uint8Array(found.length);
        for (let n = 0; n < found.length; n++) made[n] = found.charCodeAt(n);
        return made;
    };
    const inflated = async packed => {
        const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
        return new Response(stream).arrayBuffer();
    };
    let python, answer;

    const add = files => {
        for (const [path, text] of Object.entries(files)) {
            python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
            python.FS.writeFile(path, text);
        }
        python.runPython("import importlib; importlib.invalidate_caches()");
    };

    const start = async ({parts, kept, files}) => {
        const library = kept ? kept.library : bytes(parts.library);
        const module = kept ? kept.module : await WebAssembly.compile(await inflated(bytes(parts.wasm)));
        // Pyodide fetches its library and its code by their names; both are here already.
        self.fetch = async () => ({ok: true, arrayBuffer: async () => library.slice().buffer});
        WebAssembly.instantiateStreaming = async (_, imports) =>
            ({module, instance: await WebAssembly.instantiate(module, imports)});
        python = await loadPyodide({
            indexURL: "https://python.invalid/",
            createPyodideModule: _createPyodideModule,
            lockFileContents: JSON.parse(parts.lock),
            stdout: () => {},
            stderr: () => {},
        });
        postMessage({stage: "model"});
        add(files);
        answer = python.runPython("from playground.answers import answer; answer");
        python.runPython("from playground import examples");
        postMessage({ready: true, kept: {library, module}});
    };

    let queue = Promise.resolve();
    onmessage = ({data}) => {
        queue = queue.then(async () => {
            if (data.parts) await start(data);
            else if (data.files) add(data.files);
            else postMessage({id: data.id, answer: answer(data.request)});
        }).catch(error => postMessage({error: String(error.message || error)}));
    };
})();
