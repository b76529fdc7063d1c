// SPDX-License-Identifier: GPL-2.0-only
// Python for a page: loaded when something is run for the first time, and then kept in a worker.
// The scripts in _static/python/ are made by playground/bundle.py.
const makeElement = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
};

const keptValue = (key, value) => { // storage may be switched off
    try { return value === undefined ? localStorage.getItem(key) : localStorage.setItem(key, value); }
    catch { return null; }
};

// The reader's own kernel, as the command cgroup-storage probe described it in a file: a choice beside
// the releases on all pages. The file stays in this browser.
const ownKernel = (() => {
    const KEY = "kernel-profile", largest = 1 << 20; // bytes
    const read = text => {
        let found = null;
        try { found = JSON.parse(text); } catch { /* no JSON */ }
        const whole = found?.profile === 1 && typeof found.kernel === "string" && typeof found.nearest === "string";
        return whole ? {kernel: found.kernel, nearest: found.nearest, text} : null;
    };
    let known = read(keptValue(KEY));
    return {
        // Its value in a list of releases.
        value: "mine",
        // Undefined if there is none; otherwise with its name and the nearest release.
        get known() { return known; },
        async load(file) {
            const found = file.size <= largest && read(await file.text());
            if (!found) throw new Error(`${file.name} is not a profile that cgroup-storage probe wrote.`);
            known = found;
            keptValue(KEY, found.text);
        },
        remove() {
            known = null;
            keptValue(KEY, "");
        },
        // The release that is nearest to a value of a list: of a release, this one.
        release: value => value === "mine" ? known?.nearest.split(".").slice(0, 2).join(".") : value,
    };
})();

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
    const lists = new Set();
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
                const own = Object.values(request).flat().includes(ownKernel.value) && ownKernel.known;
                worker.postMessage({id, request: JSON.stringify(own ? {...request, profile: own.text} : request)});
            });
        },
        // End what runs; the next request starts Python again.
        stop: () => end("Stopped."),
        // A choice of releases, after a first one with an empty value, and of the reader's own kernel
        // unless `own` is false.
        // A hundred of them on a page would make it slow: each is a button until a reader comes to the
        // bar that it is in.
        releaseChoice(label, first, changed = () => {}, {own = true} = {}) {
            const LOAD = "load";
            const name = value => ({
                "": first,
                proposal: "July 2020 proposal",
                [ownKernel.value]: `My kernel: ${ownKernel.known?.kernel}`,
                [LOAD]: ownKernel.known ? "My kernel: another profile \u2026" : "My kernel \u2026",
            }[value] ?? `Linux ${value}`);
            const button = makeElement("button", {type: "button", className: "run-list"});
            const node = makeElement("span", {className: "run-release"}, button);
            let value = "", select, more;
            const show = () => {
                if (select) select.value = value;
                button.textContent = name(value);
                button.ariaLabel = `${label}: ${name(value)}`;
                more?.remove();
                more = value === ownKernel.value && select ? removal() : null;
                if (more) node.append(more);
            };
            const refresh = () => { // another list got a profile, or removed it
                if (value === ownKernel.value && !ownKernel.known) value = "";
                if (!select) return show();
                const [mine, more] = own ? [ownKernel.known ? [ownKernel.value] : [], [LOAD]] : [[], []];
                select.replaceChildren(...["", ...mine, ...Object.values(releases).flat(), ...more]
                    .map(each => makeElement("option", {value: each, textContent: name(each)})));
                show();
            };
            const take = found => {
                value = found;
                for (const each of lists) each();
                select.focus();
                changed(value);
            };
            const removal = () => {
                const made = makeElement("button", {type: "button", textContent: "Remove my kernel"});
                made.addEventListener("click", () => {
                    ownKernel.remove();
                    take("");
                });
                return made;
            };
            const loading = () => {
                const input = makeElement("input", {type: "file", accept: ".json"});
                const wrong = makeElement("span", {className: "run-status differs", role: "status"});
                input.addEventListener("change", async () => {
                    try {
                        await ownKernel.load(input.files[0]);
                        take(ownKernel.value);
                    } catch (error) {
                        wrong.textContent = error.message;
                    }
                });
                const text = "Profile of cgroup-storage probe (it is not uploaded): ";
                return [makeElement("span", {className: "run-profile"}, makeElement("label", {}, text, input), wrong), input];
            };
            const become = () => {
                if (select) return;
                select = makeElement("select", {ariaLabel: label});
                select.addEventListener("change", () => {
                    if (select.value === LOAD) {
                        const [panel, input] = loading();
                        show();
                        more?.remove();
                        node.append(more = panel);
                        return input.focus();
                    }
                    value = select.value;
                    show();
                    changed(value);
                });
                const focused = document.activeElement === button;
                button.replaceWith(select);
                if (focused) select.focus();
                refresh();
            };
            button.addEventListener("click", become);
            lists.add(refresh);
            show();
            return {
                node,
                get value() { return value; },
                choose(found) { value = found === ownKernel.value && !ownKernel.known ? "" : found; show(); },
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
