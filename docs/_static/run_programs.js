// SPDX-License-Identifier: GPL-2.0-only
// Programs that run on releases of the reader's choice: those of the pages about changes and guides,
// and those of the playground.  playground/programs.py runs them.
addEventListener("DOMContentLoaded", () => {
    const element = makeElement;
    const root = document.documentElement.dataset.content_root ?? "";
    const errno = /^(?:denied )?(E[A-Z0-9]{3,})$/;
    let places = 0;

    // What a run observed

    const cell = (text, changed = false) => {
        const found = errno.exec(text);
        const shown = found
            ? element("a", {href: `${root}errors.html#${found[1].toLowerCase()}`, textContent: text})
            : element(text === "not reached" ? "span" : "code", {textContent: text});
        const made = element("td", {}, changed ? element("strong", {}, shown) : shown);
        if (changed) made.append(" ", element("em", {textContent: "differs"}));
        return made;
    };
    const table = (titles, rows) => {
        const head = element("tr", {}, element("th", {scope: "col", textContent: "observed"}),
            ...titles.map(title => element("th", {scope: "col", textContent: title})));
        const body = rows.map(({label, code, values}) => {
            const name = element("th", {scope: "row", className: "stub"}, label);
            if (code) name.append(" ", element("code", {textContent: code}));
            return element("tr", {}, name,
                ...values.map((value, n) => cell(value, n > 0 && value !== values[n - 1])));
        });
        return element("div", {className: "wide"}, element("table", {className: "docutils facts"},
            element("thead", {}, head), element("tbody", {}, ...body)));
    };
    const figure = ({svg, words}) => {
        const drawn = svg.map(text => new DOMParser().parseFromString(text, "image/svg+xml").documentElement);
        const box = element("div", {className: "timeline-box"}, ...drawn);
        box.setAttribute("role", "group");
        box.ariaLabel = `Figure: ${words.map(([title]) => title).join("; ")}`;
        const told = words.flatMap(([title, sentences]) => [
            element("p", {}, element("strong", {textContent: title})),
            element("ol", {}, ...sentences.map(textContent => element("li", {textContent}))),
        ]);
        return element("div", {className: "timeline"}, box,
            element("details", {}, element("summary", {textContent: "The same in words"}), ...told));
    };
    const everywhere = spans => {
        const labels = [...new Set(spans.flatMap(({seen}) => Object.keys(seen)))];
        const rows = labels.map(label =>
            ({label, values: spans.map(({seen}) => seen[label] ?? "not reached")}));
        if (spans.some(({error}) => error)) {
            rows.push({label: "ended early", values: spans.map(({error}) => error || "no")});
        }
        return [element("p", {textContent: "On all releases:"}), table(spans.map(({title}) => title), rows)];
    };
    const show = (output, answer) => {
        const titles = answer.releases.map(({title}) => title);
        if (answer.rows.length) output.append(table(titles, answer.rows));
        for (const {title, error, printed} of answer.releases) {
            if (printed) output.append(element("p", {textContent: `Printed on ${title}:`}), element("pre", {textContent: printed}));
            if (error) output.append(element("p", {className: "run-error", textContent: `On ${title} the program ended early. ${error}`}));
        }
        const reasons = Object.entries(answer.reasons);
        if (reasons.length) {
            output.append(element("ul", {}, ...reasons.map(([label, why]) =>
                element("li", {textContent: `${label[0].toUpperCase()}${label.slice(1)}: ${why}`}))));
        }
        if (answer.svg) output.append(figure(answer));
        if (answer.everywhere) output.append(...everywhere(answer.everywhere));
    };
    const summary = ({rows, releases}) => {
        const where = releases.map(({title}) => title).join(" and ");
        if (releases.some(({error}) => error)) return `Ran on ${where}; the program ended early.`;
        if (!rows.length) return `Ran on ${where}. The program observes nothing.`;
        const differ = rows.filter(({values}) => new Set(values).size > 1).length;
        if (releases.length < 2) return `Ran on ${where}.`;
        return differ ? `Ran on ${where}. ${differ} of ${rows.length} results differ.` : `Ran on ${where}. All results are the same.`;
    };

    // The controls of a place: `source` is its text, `name` the function that is run

    const controls = (place, {source, on, choices, name, open}) => {
        const identity = `program-${++places}`;
        let running = false, editor = null;
        const button = (text, act, kind = text.toLowerCase()) => {
            const made = element("button", {type: "button", textContent: text, className: `run-${kind}`});
            made.addEventListener("click", act);
            return made;
        };
        const selects = ["First release", "Second release"].map(label => Python.releaseChoice(label, "no release"));
        const latest = Object.values(Python.releases).flat().filter(it => it !== "proposal").at(-1);
        const setReleases = found => selects.forEach((on, n) => {
            on.choose(found[n] === "latest" ? latest : found[n] ?? "");
        });
        const releases = () => [...new Set(selects.map(({value}) => value).filter(Boolean))];
        const status = element("span", {className: "run-status", role: "status"});
        const output = element("div", {className: "run-program-output", ariaLive: "polite"});
        const say = (text, kind = "") => {
            status.textContent = text;
            status.className = `run-status ${kind}`;
        };
        const text = () => editor ? editor.value : source();

        const run = async (all = false) => {
            if (running) return;
            if (!releases().length) return say("Choose a release.", "differs");
            running = true;
            bar.classList.add("running");
            const focused = bar.contains(document.activeElement) && document.activeElement;
            if (focused) stop.focus({preventScroll: true});
            const progress = element("progress", {max: 4, ariaLabel: "Loading"});
            const slow = setTimeout(() => say("Running. Stop ends it."), 1000);
            try {
                const answer = await Python.ask(
                    {do: "program", text: text(), releases: releases(), name: name(text()), everywhere: all, identity},
                    {needs: ["figures"], progress: (stage, number) => {
                        clearTimeout(slow);
                        say(`${stage} \u2026`);
                        progress.value = number;
                        status.after(progress);
                    }},
                );
                output.replaceChildren();
                if (answer.error) say(answer.error, "differs");
                else {
                    show(output, answer);
                    say(summary(answer));
                }
            } catch (error) {
                say(error.message, "differs");
            } finally {
                clearTimeout(slow);
                progress.remove();
                running = false;
                bar.classList.remove("running");
                if (focused && document.activeElement === document.body) focused.focus({preventScroll: true});
            }
        };
        let pause;
        const edit = code => {
            if (!editor) {
                editor = element("textarea", {
                    className: "run-editor",
                    spellcheck: false,
                    ariaLabel: "Program; Control and Enter runs it, Escape resets it",
                });
                editor.autocapitalize = "off";
                editor.addEventListener("input", () => {
                    Python.fit(editor);
                    clearTimeout(pause); // the figure follows what is written
                    pause = setTimeout(() => { if (Python.isReady && output.childNodes.length) run(); }, 800);
                });
                editor.addEventListener("keydown", event => {
                    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
                    else if (event.key === "Escape") running ? Python.stop() : reset();
                    else return;
                    event.preventDefault();
                    event.stopPropagation();
                });
                bar.before(editor);
            }
            editor.value = code;
            bar.classList.add("editing");
            Python.fit(editor);
            editor.setSelectionRange(0, 0);
        };
        const reset = () => {
            clearTimeout(pause);
            output.replaceChildren();
            say("");
            if (open) return edit(source());
            editor?.remove();
            editor = null;
            bar.classList.remove("editing");
            bar.querySelector(".run-edit").focus();
        };
        const share = async () => {
            const address = new URL(location);
            const known = selects.map(({value}) => value === ownKernel.value ? "" : value);
            address.hash = `program=${known.join("/")}/${Python.pack(text())}`;
            history.replaceState(null, "", address);
            let copied = "";
            try {
                await navigator.clipboard.writeText(address.href);
                copied = " and was copied";
            } catch { /* a page that was opened from a disk, or no permission */ }
            say(`The address of this page now contains the program${copied}.`);
        };
        const shared = () => {
            const found = /^#program=([\w.]*)\/([\w.]*)\/([\w-]+)$/.exec(location.hash);
            if (!found) return;
            try {
                edit(Python.unpack(found[3]));
                setReleases([found[1], found[2]]);
                say("This program is from the address. Run executes it.");
            } catch {
                say("The address does not contain a whole program: copy it again.", "differs");
            }
            bar.scrollIntoView({block: "center"});
        };
        const stop = button("Stop", () => Python.stop());
        const bar = element("div", {className: "run-bar", role: "group", ariaLabel: "Run the program"},
            ...choices, button("Run", () => run()), stop,
            "on ", selects[0].node, "and ", selects[1].node,
            button("All releases", () => run(true), "all"),
            button("Edit", () => { edit(source()); editor.focus(); }),
            button("Reset", () => reset()), button("Share", () => share()), status);
        for (const each of selects) each.within(bar);
        setReleases(on);
        place.replaceChildren(bar, output);
        if (!open) place.prepend(element("p", {textContent: "Run this page's program in the browser, on releases of your choice:"}));
        if (open) edit(source());
        shared();
        addEventListener("hashchange", shared);
        return {reset, setReleases};
    };

    // The pages about changes and guides: the program is the code that the page shows

    const settings = values => Object.keys(values).length
        ? `# Kernel(${Object.entries(values).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(", ")})\n` : "";
    for (const place of document.querySelectorAll(".run-program")) {
        const {runs, on, arguments: given} = JSON.parse(place.dataset.program);
        const blocks = document.querySelectorAll("#model-code .highlight-python pre, #the-old-program .highlight-python pre");
        const source = () => settings(given) + [...blocks].map(block => block.textContent.trimEnd()).join("\n\n\n") + "\n";
        const names = Object.entries(runs);
        const select = element("select", {ariaLabel: "Program"},
            ...names.map(([textContent, value]) => element("option", {value, textContent})));
        controls(place, {source, on, choices: names.length > 1 ? [select] : [], name: () => select.value});
    }

    // The playground

    for (const place of document.querySelectorAll(".playground")) {
        const {programs, stories} = JSON.parse(place.dataset.program);
        const groups = {breaking_changes: "Changes", additions: "Additions", recipes: "How-to guides"};
        const select = element("select", {ariaLabel: "Program"},
            ...Object.keys(programs).map(title => element("option", {value: title, textContent: title})),
            ...Object.entries(stories).map(([folder, titles]) => element("optgroup", {label: groups[folder]},
                ...Object.entries(titles).map(([value, textContent]) => element("option", {value, textContent})))));
        let text = Object.values(programs)[0];
        const made = controls(place, {
            source: () => text,
            on: ["5.8", "5.9"],
            choices: [select],
            name: code => /^def run\(kernel\b/m.test(code) ? "run" : "",
            open: true,
        });
        select.addEventListener("change", async () => {
            text = programs[select.value];
            if (text === undefined) {
                await Python.script("programs.js");
                const story = storyPrograms[select.value];
                text = settings(story.arguments) + story.text;
                made.setReleases(story.on);
            }
            made.reset();
        });
    }
});
