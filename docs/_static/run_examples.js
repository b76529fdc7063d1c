// SPDX-License-Identifier: GPL-2.0-only
// Run, Edit, Stop, Reset and Share on the examples of a page, and the release on which they run.
addEventListener("DOMContentLoaded", () => {
    const KEY = "kernel-release", TABS = "sphinx-design-tab-id-kernel";
    const MORE = /\b(catalogue|traces|refusals|recorder|timeline)\b/; // modules beside the model
    const examples = [];
    let release = "", running = null;

    const element = makeElement;
    const stored = keptValue;

    // The release of the page

    const generation = of =>
        Object.keys(Python.releases).find(key => Python.releases[key].includes(ownKernel.release(of)));
    const named = of => of === "proposal" ? "the July 2020 proposal"
        : of === ownKernel.value ? `your kernel, ${ownKernel.known.kernel}` : `Linux ${of}`;
    const choose = of => {
        release = of;
        stored(KEY, of);
        for (const {on} of examples) on.choose(of);
        const address = new URL(location);
        if (of && of !== ownKernel.value) address.searchParams.set("kernel", of);
        else if (generation(address.searchParams.get("kernel"))) address.searchParams.delete("kernel");
        history.replaceState(null, "", address);
        if (!of) return;
        stored(TABS, generation(of));
        document.querySelector(`label[data-sync-group="kernel"][data-sync-id="${generation(of)}"]`)?.click();
    };
    document.addEventListener("change", ({target}) => { // a tab of another generation was chosen
        const {syncGroup, syncId} = target.labels?.[0]?.dataset ?? {};
        if (syncGroup === "kernel" && release && generation(release) !== syncId) choose("");
    });

    // What a run printed

    const lines = text => text.replace(/\n$/, "");
    const differs = ({want, got, same}) => same === false && (want || got);
    const show = (example, results) => {
        example.output.replaceChildren();
        const told = results.filter(({want, got}) => want || got);
        const other = told.filter(differs), known = told.filter(({same}) => same !== null);
        for (const result of told) {
            const {source, want, got} = result;
            const item = element("div", {className: differs(result) ? "run-result differs" : "run-result"});
            if (results.length > 1) item.append(element("code", {textContent: `>>> ${source.split("\n")[0]}`}));
            if (differs(result)) {
                item.append(element("span", {className: "run-mark", textContent: "\u2260 the page shows"}),
                    element("pre", {textContent: lines(want) || "nothing"}),
                    element("span", {className: "run-mark", textContent: `now${release ? `, on ${named(release)}` : ""}`}));
            }
            item.append(element("pre", {textContent: lines(got) || "nothing"}));
            example.output.append(item);
        }
        const on = release ? ` on ${named(release)}` : "";
        let text = `Ran${on}.`;
        if (!told.length) text = `Ran${on}. The code prints nothing.`;
        else if (other.length) text = `Ran${on}. ${other.length} of ${known.length} results differ from the page.`;
        else if (known.length === told.length) text = `Ran${on}. All results are as on the page.`;
        else if (known.length) text = `Ran${on}. What the page shows as well is the same.`;
        say(example, text, other.length ? "differs" : "same");
    };
    const say = (example, text, kind = "") => {
        example.status.textContent = text;
        example.status.className = `run-status ${kind}`;
    };

    // The buttons

    const run = async example => {
        if (running) return;
        running = example;
        const list = document.activeElement.matches(".run-release select") && document.activeElement;
        example.bar.classList.add("running");
        example.stop.focus({preventScroll: true});
        example.output.replaceChildren();
        const progress = element("progress", {max: 4, ariaLabel: "Loading"});
        const slow = setTimeout(() => say(example, "Running. Stop ends it."), 1000);
        try {
            const blocks = examples.slice(0, examples.indexOf(example) + 1)
                .map(({text, docstring, editor}) => ({text, docstring, ...editor && {edited: editor.value}}));
            const texts = blocks.map(({text, docstring, edited}) => text + docstring + edited).join();
            const answer = await Python.ask({do: "examples", blocks, release}, {
                needs: MORE.test(texts) ? ["figures", "stories"] : [],
                progress: (text, stage) => {
                    clearTimeout(slow);
                    say(example, `${text} \u2026`);
                    progress.value = stage;
                    example.status.after(progress);
                },
            });
            if (answer.error) {
                const where = (answer.block ?? blocks.length - 1) === blocks.length - 1 ? "" : `Example ${answer.block + 1} above: `;
                say(example, where + answer.error, "differs");
            } else show(example, answer.blocks.at(-1));
        } catch (error) {
            say(example, error.message, "differs");
        } finally {
            clearTimeout(slow);
            progress.remove();
            running = null;
            const back = document.activeElement === example.stop;
            example.bar.classList.remove("running");
            if (back) (list || (example.editor ?? example.run)).focus({preventScroll: true});
        }
    };
    const edit = (example, code) => {
        if (!example.editor) {
            example.editor = element("textarea", {
                className: "run-editor",
                spellcheck: false,
                ariaLabel: `Code of ${example.name}; Control and Enter runs it, Escape resets it`,
            });
            example.editor.autocapitalize = "off";
            example.editor.addEventListener("input", () => Python.fit(example.editor));
            example.editor.addEventListener("keydown", event => {
                if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run(example);
                else if (event.key === "Escape") running ? Python.stop() : reset(example);
                else return;
                event.preventDefault();
                event.stopPropagation();
            });
            example.bar.before(example.editor);
        }
        example.editor.value = code;
        example.bar.classList.add("editing");
        Python.fit(example.editor);
        example.editor.setSelectionRange(0, 0);
        example.editor.focus();
    };
    const reset = example => {
        example.editor?.remove();
        example.editor = null;
        example.bar.classList.remove("editing");
        example.output.replaceChildren();
        say(example, "");
        example.edit.focus();
    };
    const share = async example => {
        const address = new URL(location);
        address.hash = `run=${examples.indexOf(example)}.${Python.pack(example.editor.value)}`;
        history.replaceState(null, "", address);
        let copied = "";
        try {
            await navigator.clipboard.writeText(address.href);
            copied = " and was copied";
        } catch { /* a page that was opened from a disk, or no permission */ }
        say(example, `The address of this page now contains the code${copied}.`);
    };
    const shared = () => {
        const found = /^#run=(\d+)\.([\w-]+)$/.exec(location.hash);
        const example = found && examples[found[1]];
        if (!example) return;
        for (let part = example.bar.closest("details"); part; part = part.parentElement.closest("details")) {
            part.open = true;
        }
        try {
            edit(example, Python.unpack(found[2]));
            say(example, "This code is from the address. Run executes it.");
        } catch {
            say(example, "The address does not contain whole code: copy it again.", "differs");
        }
        example.block.scrollIntoView();
    };

    // The examples of the page

    const code = text => text.split("\n").filter(line => /^(>>>|\.\.\.)( |$)/.test(line))
        .map(line => line.slice(4)).join("\n");
    for (const pre of document.querySelectorAll(".rst-content div.highlight > pre")) {
        if (!pre.textContent.startsWith(">>> ")) continue;
        const block = pre.parentElement.parentElement;
        const docstring = [...block.classList].find(each => each.startsWith("docstring-"))?.slice(10) ?? "";
        const example = {block, text: pre.textContent, docstring, name: `example ${examples.length + 1}`};
        const button = (text, act) => {
            const made = element("button", {type: "button", textContent: text, ariaLabel: `${text} ${example.name}`});
            made.className = `run-${text.toLowerCase()}`;
            made.addEventListener("click", act);
            return made;
        };
        example.run = button("Run", () => run(example));
        example.stop = button("Stop", () => Python.stop());
        example.edit = button("Edit", () => edit(example, code(example.text)));
        example.on = Python.releaseChoice("Kernel release", "as written", value => {
            choose(value);
            if (Python.isReady && example.output.childNodes.length) run(example);
        });
        example.status = element("span", {className: "run-status", role: "status"});
        example.output = element("div", {className: "run-output", ariaLive: "polite"});
        example.bar = element("div", {className: "run-bar", role: "group", ariaLabel: `Run ${example.name}`},
            example.run, example.stop, "on ", example.on.node, example.edit,
            button("Reset", () => reset(example)), button("Share", () => share(example)), example.status);
        example.on.within(example.bar);
        example.bar.addEventListener("keydown", event => {
            if (event.key === "Escape" && running) Python.stop();
        });
        block.after(example.bar, example.output);
        examples.push(example);
    }
    const asked = new URLSearchParams(location.search).get("kernel");
    const before = stored(KEY);
    if (generation(asked)) choose(asked);
    else if (asked in Python.releases) { // a page without tabs would not remember it
        stored(KEY, "");
        stored(TABS, asked);
    } else if (before && generation(before) === stored(TABS)) choose(before);
    shared();
    addEventListener("hashchange", shared);
});
