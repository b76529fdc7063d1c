// SPDX-License-Identifier: GPL-2.0-only
// Answer requests as the worker of a page does, without a browser: for tests and measurements.
// Input: {"pyodide": folder, "steps": [{"files": {path: text}} or {"request": ...}]}.
// Output: {"start": seconds, "steps": [{"seconds", "answer"}]}, in seconds of CPU time.
import {text} from "node:stream/consumers";
import {pathToFileURL} from "node:url";

const seconds = () => {
    const {user, system} = process.cpuUsage();
    return (user + system) / 1e6;
};
const {pyodide, steps} = JSON.parse(await text(process.stdin));
const {loadPyodide} = await import(pathToFileURL(`${pyodide}/pyodide.mjs`));
let before = seconds();
const python = await loadPyodide({indexURL: pyodide});
const start = seconds() - before;
let answer;
const made = steps.map(({files = {}, request}) => {
    before = seconds();
    for (const [path, content] of Object.entries(files)) {
        python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
        python.FS.writeFile(path, content);
    }
    if (!request) return {seconds: seconds() - before};
    answer ??= python.runPython("from playground.answers import answer; answer");
    const said = JSON.parse(answer(JSON.stringify(request)));
    return {seconds: seconds() - before, answer: said};
});
process.stdout.write(JSON.stringify({start, steps: made}));
