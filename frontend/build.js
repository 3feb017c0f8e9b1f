// Builds what the browser loads into ../static_built: app.css, app.js, charts.js, theme.js, icons.svg; and the font of papers into ../fonts_built.
// Names are stable; Django's static storage adds the hash. Charts are a bundle of their own, loaded when a chart card comes near.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "static_built");
const fonts = join(here, "..", "fonts_built"); // not served: contracts are set with them

function bundle(name, entry) {
  return build({
    configFile: false,
    root: here,
    logLevel: "warn",
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      outDir: out,
      emptyOutDir: false,
      target: "es2022",
      cssCodeSplit: false,
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
sprite();
writeFileSync(join(out, "mark.svg"), readFileSync(join(here, "src", "mark.svg")));
mkdirSync(fonts, { recursive: true });
const noto = join(here, "node_modules", "@expo-google-fonts", "noto-sans-sc");
copyFileSync(join(noto, "400Regular", "NotoSansSC_400Regular.ttf"), join(fonts, "NotoSansSC-Regular.ttf"));
copyFileSync(join(noto, "LICENSE_FONT"), join(fonts, "LICENSE"));
