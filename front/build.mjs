// Builds the console's front end into service/web/static/build and writes manifest.json:
// logical name -> file name with a hash of its content. ECharts and CodeMirror are split chunks,
// fetched only by pages that use them.
import { build } from "esbuild";
import { rm, writeFile, mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = join(here, "..", "service", "web", "static", "build");

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const shared = {
  absWorkingDir: join(here, ".."),
  bundle: true,
  minify: true,
  sourcemap: false,
  legalComments: "linked",
  target: ["chrome109", "firefox115", "safari16"],
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[name]-[hash]",
  assetNames: "asset-[name]-[hash]",
  outdir: out,
  metafile: true,
  logLevel: "warning",
};

const results = await Promise.all([
  build({
    ...shared,
    entryPoints: ["front/app.js"],
    format: "esm",
    splitting: true,
    define: { "process.env.NODE_ENV": '"production"' },
  }),
  // Runs before the first paint, so that a dark page never flashes white: a classic script.
  build({ ...shared, entryPoints: ["front/theme.js"], format: "iife" }),
  build({ ...shared, entryPoints: ["front/css/app.css"], loader: { ".svg": "dataurl" } }),
]);

const manifest = {};
for (const { metafile } of results) {
  for (const [path, file] of Object.entries(metafile.outputs)) {
    if (!file.entryPoint) continue;
    const extension = path.endsWith(".css") ? ".css" : ".js";
    manifest[basename(file.entryPoint).replace(/\.(js|css)$/, "") + extension] = basename(path);
  }
}
await writeFile(join(out, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
