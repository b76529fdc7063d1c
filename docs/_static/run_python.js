// SPDX-License-Identifier: GPL-2.0-only
// Python for a page: loaded when something is run for the first time, and then kept in a worker.
// The scripts in _static/python/ are made by playground/bundle.py.
const makeElement = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
};

const Python = (() => {
    const folder = new URL("python/", document.currentScript.src);
    const releases = JSON.parse(document.currentScript.dataset.releases);
    const stages = {
        load: "Loading Python, about 6.5 MB, once",
        start: "Starting Python",
        model: "Loading the model",
    };
    const loaded = new Map();
    const waiting = new Map();
    let worker, ready, kept, last = 0, added = new Set(), tell = () => {};

    // A script of the site; the same one is loaded once.
    const script = name => {
        if (!loaded.has(name)) {
            loaded.set(name, new Promise((resolve, reject) => {
                const element = document.createElement("script");
                element.src = new URL(name, folder);
                element.onload = resolve;
                element.onerror = () => {
                    loaded.delete(name);
                    element.remove();
                    reject(new Error(`${name} could not be loaded. Check the connection, then run again.`));
                };
                document.head.append(element);
            }));
        }
        return loaded.get(name);
    };

    const end = reason => {
        worker?.terminate();
        worker = ready = undefined;
        added.clear();
        for (const {reject} of waiting.values()) reject(new Error(reason));
        waiting.clear();
    };

    const start = async () => {
        if (typeof WebAssembly !== "object" || typeof DecompressionStream !== "function") {
            throw new Error("This browser cannot run Python: it has no WebAssembly, or it is switched off. "
                + "The examples on the page show the results.");
        }
        tell(stages.load, 1);
        const stopped = new Promise((_, reject) => waiting.set(0, {reject}));
        await Promise.race([stopped, Promise.all([script("python.js"), script("model.js")])]);
        tell(stages.start, 2);
        const address = URL.createObjectURL(new Blob([pyodideParts.worker], {type: "text/javascript"}));
        worker = new Worker(address);
        const {lock, wasm, library} = pyodideParts;
        const parts = kept ? {lock} : {lock, wasm, library};
        await new Promise((resolve, reject) => {
            const fail = text => { end(text); reject(new Error(text)); };
            waiting.set(0, {reject});
            worker.onerror = event => fail(event.message || "The browser did not start the worker.");
            worker.onmessage = ({data}) => {
                if (data.stage) tell(stages[data.stage], 3);
                else if (data.ready) { kept = data.kept; resolve(); }
                else if (data.error) fail(data.error); // Python itself is broken: begin again
                else {
                    waiting.get(data.id)?.resolve(JSON.parse(data.answer));
                    waiting.delete(data.id);
                }
            };
            worker.postMessage({parts, kept, files: modelFiles});
        });
        waiting.delete(0);
        URL.revokeObjectURL(address);
    };

    return {
        script,
        // The releases to choose from, by the key of their tabs: see docs/_ext/kernel_tabs.py.
        releases,
        // Whether a request would be answered at once.
        get isReady() { return ready?.done === true; },
        // The answer to a request.  `needs` names the files that it needs beside the model, "figures",
        // "stories" or "checker"; `progress` gets a sentence and a number from 1 to 3 while Python is loaded.
        async ask(request, {needs = [], progress = () => {}} = {}) {
            tell = progress;
            if (!ready) {
                ready = start();
                ready.then(() => { if (ready) ready.done = true; }, () => { ready = undefined; });
            }
            await ready;
            for (const name of needs.filter(each => !added.has(each))) {
                await script(`${name}.js`);
                worker.postMessage({files: self[`${name}Files`]});
                added.add(name);
            }
            const id = ++last;
            return new Promise((resolve, reject) => {
                waiting.set(id, {resolve, reject});
                worker.postMessage({id, request: JSON.stringify(request)});
            });
        },
        // End what runs; the next request starts Python again.
        stop: () => end("Stopped."),
        // A choice of releases, after a first one with an empty value.  A hundred of them on a page
        // would make it slow: each is a button until a reader comes to the bar that it is in.
        releaseChoice(label, first, changed = () => {}) {
            const name = value =>
                !value ? first : value === "proposal" ? "July 2020 proposal" : `Linux ${value}`;
            const button = makeElement("button", {type: "button"});
            let value = "", select;
            const show = () => {
                if (select) select.value = value;
                button.textContent = name(value);
                button.ariaLabel = `${label}: ${name(value)}`;
            };
            const become = () => {
                if (select) return;
                const options = ["", ...Object.values(releases).flat()]
                    .map(each => makeElement("option", {value: each, textContent: name(each)}));
                select = makeElement("select", {ariaLabel: label}, ...options);
                select.addEventListener("change", () => { value = select.value; changed(value); });
                const focused = document.activeElement === button;
                button.replaceWith(select);
                if (focused) select.focus();
                show();
            };
            button.addEventListener("click", become);
            const node = makeElement("span", {}, button);
            show();
            return {
                node,
                get value() { return value; },
                choose(found) { value = found; show(); },
                // Become a list when the reader comes to the bar.
                within(bar) {
                    bar.addEventListener("focusin", become);
                    bar.addEventListener("pointerenter", become);
                },
            };
        },
        // As many lines as a text needs.
        fit(editor) { editor.rows = Math.min(30, Math.max(3, editor.value.split("\n").length + 1)); },
        // Text of any kind in an address, and back.
        pack: text => btoa(String.fromCharCode(...new TextEncoder().encode(text)))
            .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""),
        unpack: text => new TextDecoder().decode(Uint8Array.from(
            atob(text.replaceAll("-", "+").replaceAll("_", "/")), letter => letter.charCodeAt(0))),
    };
})();
