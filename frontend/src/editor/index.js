// The decision editor: loaded by one page. What is drawn goes through our door, which compiles and tries it in a process of its own; nothing
// is kept that could not decide.
import "./words.js";
import "@gorules/jdm-editor/dist/style.css";
import "./editor.css";
import { DecisionGraph, GraphSimulator, JdmConfigProvider, createJdmNode, nodeSpecification } from "@gorules/jdm-editor";
import { createElement as h, useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";

delete nodeSpecification.functionNode; // refused at save: not offered either

const box = document.getElementById("strategy-editor");
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const words = read("editor-words");
const state = { revision: Number(box.dataset.revision), graph: read("editor-graph"), dirty: false, busy: false };
const locked = box.dataset.locked === "true";
const told = document.getElementById("editor-told");
const note = document.getElementById("editor-note");
const saveButton = document.getElementById("editor-save");
const dark = () => document.documentElement.getAttribute("data-bs-theme") === "dark";

const scorecard = createJdmNode({
  kind: "scorecard",
  displayName: words.scorecard,
  shortDescription: words.scorecardHint,
  color: "#0b57a4",
  inputs: [{ control: "text", name: "code", label: words.code }],
});

async function send(url, body) {
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token, "HX-Request": "true" },
      body: JSON.stringify(body),
    });
  } catch {
    return { ok: false, message: words.offline };
  }
  let data = {};
  try {
    data = await answer.json();
  } catch {
    data = { message: answer.status === 401 ? words.signedOut : words.failed };
  }
  return { ok: answer.ok, status: answer.status, ...data };
}

function say(tone, message, lines = []) {
  told.replaceChildren();
  const card = document.createElement("div");
  card.className = `c-note tone-${tone}`;
  card.setAttribute("role", tone === "bad" ? "alert" : "status");
  const inside = document.createElement("div");
  const first = document.createElement("p");
  first.className = "strong";
  first.textContent = message;
  inside.append(first);
  if (lines.length) {
    const list = document.createElement("ul");
    for (const line of lines) {
      const row = document.createElement("li");
      row.textContent = line.place ? `${line.place}: ${line.text}` : line.text;
      list.append(row);
    }
    inside.append(list);
  }
  card.append(inside);
  told.append(card);
}

function mark(dirty) {
  state.dirty = dirty;
  note.textContent = dirty ? words.unsaved : words.saved;
  if (saveButton) saveButton.disabled = !dirty || state.busy;
}

async function save() {
  if (locked || state.busy || !state.dirty) return;
  state.busy = true;
  mark(true);
  note.textContent = words.saving;
  const sent = JSON.stringify(state.graph);
  const answer = await send(box.dataset.save, { graph: state.graph, revision: state.revision });
  state.busy = false;
  if (answer.ok) {
    state.revision = answer.revision;
    mark(JSON.stringify(state.graph) !== sent);
    say(answer.lint.length ? "caution" : "good", answer.message, answer.lint);
  } else {
    mark(true);
    say("bad", answer.message, (answer.findings || []).slice(1));
  }
}

async function runAll() {
  if (state.busy) return;
  state.busy = true;
  say("info", words.running);
  const answer = await send(box.dataset.try, { graph: state.graph });
  state.busy = false;
  if (!answer.ok) say("bad", answer.message, answer.findings || []);
  else say(answer.passed === answer.cases.length ? "good" : "caution", answer.message, answer.cases.filter((one) => !one.passed));
}

let touched = false;
for (const event of ["pointerdown", "keydown", "drop"]) box.addEventListener(event, () => (touched = true), true);

// The comments are the page's own part, sent and refreshed as everywhere else: the panel only gives them a place beside the graph.
function Notes() {
  const place = (node) => {
    const notes = document.getElementById("editor-notes");
    if (notes) (node || document.getElementById("editor-notes-home")).append(notes);
  };
  return h("div", { ref: place, style: { overflow: "auto", height: "100%" } });
}

function App() {
  const [graph, setGraph] = useState(state.graph);
  const [simulate, setSimulate] = useState();
  const [loading, setLoading] = useState(false);
  const [mode, setMode] = useState(dark() ? "dark" : "light");
  useEffect(() => {
    const watch = new MutationObserver(() => setMode(dark() ? "dark" : "light"));
    watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
    return () => watch.disconnect();
  }, []);
  const run = async ({ graph: drawn, context }) => {
    setLoading(true);
    const answer = await send(box.dataset.try, { graph: drawn, facts: context });
    setLoading(false);
    if (!answer.ok) {
      say("bad", answer.message, answer.findings || []);
      return setSimulate({ error: { title: answer.message, message: (answer.findings || []).map((one) => one.text).join("\n"), data: { nodeId: answer.findings?.[0]?.node } } });
    }
    say("good", answer.message);
    setSimulate({ result: { performance: answer.verdict.ms + " ms", result: answer.verdict, snapshot: drawn, trace: answer.trace || {} } });
  };
  const panels = useMemo(() => [{
    id: "simulator",
    title: words.simulator,
    icon: h("span", { "aria-hidden": true }, "▷"),
    renderPanel: () => h(GraphSimulator, { defaultRequest: read("editor-facts"), loading, onRun: run, onClear: () => setSimulate(undefined) }),
  }, {
    id: "notes",
    title: words.notes,
    icon: h("span", { "aria-hidden": true }, "✎"),
    renderPanel: () => h(Notes),
  }], [loading]);
  return h(JdmConfigProvider, { theme: { mode } },
    h(DecisionGraph, {
      value: graph, disabled: locked, customNodes: [scorecard], panels, simulate, name: box.dataset.name,
      onReactFlowInit: (flow) => setTimeout(() => flow.fitView({ padding: 0.08 }), 200), // the whole path is seen at once
      onChange: (next) => {
        const same = JSON.stringify(next) === JSON.stringify(state.graph);
        state.graph = next;
        setGraph(next);
        if (!same && !locked && touched) mark(true); // before that the editor only completes what it was given
      },
    }));
}

if (matchMedia("(min-width: 768px)").matches) {
  createRoot(box).render(h(App));
  saveButton?.addEventListener("click", save);
  document.getElementById("editor-run").addEventListener("click", runAll);
  window.addEventListener("beforeunload", (event) => state.dirty && event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.isComposing) return;
    if (event.key === "s" || event.key === "Enter") {
      event.preventDefault();
      event.stopPropagation();
      save();
    }
  }, true);
}
