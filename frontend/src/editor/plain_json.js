// Stands in for the Monaco editor, which the graph editor knows only for JSON of a simulation and for function nodes, which are not run
// here: a plain text field says the same, works with a screen reader, and loads nothing from anywhere.
import { createElement, forwardRef } from "react";

export const Editor = forwardRef(function Editor({ value, defaultValue, onChange, options, height }, ref) {
  return createElement("textarea", {
    ref,
    className: "jdm-json",
    spellCheck: false,
    readOnly: Boolean(options?.readOnly),
    value: value ?? defaultValue ?? "",
    "aria-label": globalThis.jdmWord("JSON"),
    onChange: (event) => onChange?.(event.target.value),
    style: { height: height ?? "100%" },
  });
});
export const DiffEditor = Editor;
export const loader = { config() {}, init: () => Promise.resolve() };
export const useMonaco = () => null;
export const MarkerSeverity = { Error: 8 };
export default Editor;
