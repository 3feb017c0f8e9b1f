// Builds what the browser loads into ../static_built: app.css, app.js, charts.js, editor.js with its css and wasm, theme.js, icons.svg; and the font of papers into ../fonts_built.
// Names are stable; Django's static storage adds the hash. Charts are a bundle of their own, loaded when a chart card comes near.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "static_built");
const fonts = join(here, "..", "fonts_built"); // not served: contracts are set with them

// The graph editor of the strategy page: its own words are put into the reader's language, and its rule engine is fetched from where the page says.
const WORDED = /\b(children|title|placeholder|label|displayName|shortDescription|tooltip|okText|cancelText|description|message): (\[?)"([A-Za-z][^"\\]*)"/g;
const graphEditor = {
  name: "graph-editor",
  transform(code, id) {
    if (id.includes("@gorules/jdm-editor/dist/index.js")) {
      // It carries declarations of types as text, with the names of maps nobody has: the static storage would look for them.
      const worded = code.replace(WORDED, '$1: $2globalThis.jdmWord("$3")').replace(/\/\/# sourceMappingURL=[\w.]+/g, "");
      return { code: worded, map: null };
    }
    if (id.includes("zen_engine_wasm.js")) return { code: code.replace(/new URL\('zen_engine_wasm_bg\.wasm', import\.meta\.url\)/, 'document.getElementById("strategy-editor").dataset.wasm'), map: null };
  },
};

function bundle(name, entry, more = {}) {
  return build({
    ...more,
    configFile: false,
    root: here,
    logLevel: "warn",
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      outDir: out,
      emptyOutDir: false,
      target: "es2022",
      cssCodeSplit: false,
      modulePreload: false,
      reportCompressedSize: false,
      chunkSizeWarningLimit: 1500,
      rollupOptions: {
        input: join(here, "src", entry),
        output: { format: "iife", entryFileNames: `${name}.js`, assetFileNames: `${name}.[ext]` },
      },
    },
  });
}

function sprite() {
  const names = JSON.parse(readFileSync(join(here, "icons.json"), "utf8"));
  const symbols = Object.entries(names).map(([name, source]) => {
    const [kind, file] = source.includes("/") ? source.split("/") : ["outline", source];
    const svg = readFileSync(join(here, "node_modules/@tabler/icons/icons", kind, `${file}.svg`), "utf8");
    const body = svg.replace(/<!--[\s\S]*?-->/g, "").replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").replace(/\s*\n\s*/g, "").trim();
    const paint = kind === "filled" ? 'fill="currentColor" stroke="none"' : 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"';
    return `<symbol id="${name}" viewBox="0 0 24 24" ${paint}>${body}</symbol>`;
  });
  writeFileSync(join(out, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`);
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await bundle("theme", "theme.js");
await bundle("app", "app.js");
await bundle("charts", "charts/index.js");
const plain = join(here, "src", "editor", "plain_json.js");
await bundle("editor", "editor/index.js", {
  plugins: [graphEditor],
  resolve: { alias: { "@monaco-editor/react": plain, "monaco-editor": plain } },
});
copyFileSync(join(here, "node_modules/@gorules/zen-engine-wasm/dist/zen_engine_wasm_bg.wasm"), join(out, "editor.wasm"));
sprite();
writeFileSync(join(out, "mark.svg"), readFileSync(join(here, "src", "mark.svg")));
mkdirSync(fonts, { recursive: true });
const noto = join(here, "node_modules", "@expo-google-fonts", "noto-sans-sc");
copyFileSync(join(noto, "400Regular", "NotoSansSC_400Regular.ttf"), join(fonts, "NotoSansSC-Regular.ttf"));
copyFileSync(join(noto, "LICENSE_FONT"), join(fonts, "LICENSE"));
