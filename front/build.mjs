// Builds the console's front end into service/web/static/build and writes manifest.json:
// logical name -> file name with a hash of its content. ECharts and CodeMirror are split chunks,
// fetched only by pages that use them. Files of builds before stay for two days: pages that are
// open, and a service that reads the manifest in this moment, still ask for them.
import { build } from "esbuild";
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = join(here, "..", "service", "web", "static", "build");

const KEPT_MS = 2 * 24 * 3600 * 1000;

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

// What this build made is as young as the build, even where an older one had made the same.
const made = new Set(results.flatMap(({ metafile }) => Object.keys(metafile.outputs).map((path) => basename(path))));
const now = new Date();
for (const name of await readdir(out)) {
  const path = join(out, name);
  if (made.has(name.replace(/\.LEGAL\.txt$/, ""))) await utimes(path, now, now);
  else if (name !== "manifest.json" && now - (await stat(path)).mtimeMs > KEPT_MS) await rm(path);
}

// At last and in one step, so that no page ever reads half a manifest.
const written = join(out, ".manifest.json");
await writeFile(written, JSON.stringify(manifest, null, 2) + "\n");
await rename(written, join(out, "manifest.json"));
