// The rule editor: CodeMirror over a textarea that keeps working without it. It stands in a shadow
// root, where its style sheets are constructed and need no inline <style>.
import { basicSetup } from "codemirror";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { tags } from "@lezer/highlight";

// The page's own colours, so that dark is dark here too.
const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--hw-link)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--hw-green)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--hw-orange)" },
  { tag: [tags.keyword, tags.typeName, tags.labelName, tags.meta], color: "var(--hw-blue)" },
  { tag: [tags.comment, tags.punctuation, tags.separator], color: "var(--hw-muted)" },
]);

const theme = EditorView.theme({
  "&": { backgroundColor: "var(--hw-surface)", color: "var(--hw-ink)", fontSize: "13px",
    maxHeight: "34rem" },
  ".cm-scroller": { fontFamily: "ui-monospace, 'SFMono-Regular', Menlo, Consolas, monospace" },
  ".cm-gutters": { backgroundColor: "var(--hw-bg)", color: "var(--hw-muted)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hw-hover)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection":
    { backgroundColor: "var(--hw-brush) !important" },
  ".cm-cursor": { borderLeftColor: "var(--hw-ink)" },
});

export function edit(area) {
  const host = document.createElement("div");
  host.className = "editor";
  area.after(host);
  const root = host.attachShadow({ mode: "open" });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: area.value,
      extensions: [
        basicSetup, yaml(), syntaxHighlighting(colours), lintGutter(), theme,
        EditorView.contentAttributes.of({
          "aria-label": area.getAttribute("aria-label") ?? "",
          tabindex: "0", // the scrolled text can be reached by keyboard
        }),
        EditorState.readOnly.of(area.readOnly),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) area.value = update.state.doc.toString();
        }),
      ],
    }),
  });
  area.hidden = true;
  show(view, JSON.parse(area.dataset.problems ?? "[]"));
}

function show(view, problems) {
  const lines = view.state.doc.lines;
  const diagnostics = problems
    .filter(({ line }) => line >= 1 && line <= lines)
    .map(({ line, column, severity, message }) => {
      const at = view.state.doc.line(line);
      const from = Math.min(at.from + Math.max(column - 1, 0), at.to);
      return { from, to: at.to, severity, message };
    });
  view.dispatch(setDiagnostics(view.state, diagnostics));
}
